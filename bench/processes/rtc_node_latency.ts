/** A numbered picture from captureFrame of one rtc-node room to VideoStream of another, in one process: the peer of the latency benchmark. */
import { createInterface } from 'node:readline';
import {
  LocalVideoTrack,
  Room,
  RoomEvent,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoCodec,
  VideoFrame,
  VideoSource,
  VideoStream,
  dispose,
} from '@livekit/rtc-node';
import { NumberedPictures, readPictureNumber } from '../../test/support/media/numbered_picture.js';

interface Parameters {
  url: string;
  tokens: [string, string];
  width: number;
  height: number;
  framesPerSecond: number;
  frames: number;
}

const parameters = JSON.parse(process.argv[2] ?? '{}') as Parameters;
const { url, tokens, width, height, framesPerSecond, frames } = parameters;
const [sender, receiver] = [new Room(), new Room()];
const sentAt = new Map<number, number>();
const latenciesMs: number[] = [];
const received = new Promise<void>((resolve) => {
  receiver.on(RoomEvent.TrackSubscribed, (track) => {
    void (async () => {
      const reader = new VideoStream(track).getReader();
      while (latenciesMs.length < frames) {
        const { done, value } = await reader.read();
        if (done) break;
        const now = performance.now();
        const number = readPictureNumber(value.frame.data, value.frame.width, value.frame.height);
        const sent = number === undefined ? undefined : sentAt.get(number);
        if (sent !== undefined) latenciesMs.push(now - sent);
      }
      resolve();
    })();
  });
});
await receiver.connect(url, tokens[1], { autoSubscribe: true, dynacast: false });
await sender.connect(url, tokens[0], { autoSubscribe: false, dynacast: false });
const source = new VideoSource(width, height);
await sender.localParticipant?.publishTrack(
  LocalVideoTrack.createVideoTrack('camera', source),
  new TrackPublishOptions({
    source: TrackSource.SOURCE_CAMERA,
    simulcast: false,
    videoCodec: VideoCodec.H264,
    videoEncoding: { maxBitrate: 1_000_000n, maxFramerate: framesPerSecond },
  }),
);
const drawer = new NumberedPictures(width, height, framesPerSecond);
const startedAt = performance.now();
let drawn = 0;
const timer = setInterval(() => {
  const due = Math.floor(((performance.now() - startedAt) / 1000) * framesPerSecond);
  if (due < drawn) return;
  drawn = due + 1;
  const picture = drawer.draw(due);
  sentAt.set(due, performance.now());
  source.captureFrame(
    new VideoFrame(picture, width, height, VideoBufferType.I420),
    BigInt(Math.round(performance.now() * 1000)),
  );
}, 2);
await received;
clearInterval(timer);
process.stdout.write(`${JSON.stringify({ latenciesMs })}\n`);
createInterface({ input: process.stdin }).on('close', () => {
  void Promise.all([sender.disconnect(), receiver.disconnect()])
    .then(() => dispose())
    .finally(() => process.exit(0));
});
