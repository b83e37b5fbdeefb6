import {
  AudioFrame,
  AudioSource,
  LocalAudioTrack,
  LocalVideoTrack,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoCodec,
  VideoFrame,
  VideoSource,
  type LocalParticipant,
  type LocalTrack,
} from '@livekit/rtc-node';
import { NumberedPictures } from '../media/numbered_picture.js';
import { ToneSource } from '../media/tones.js';
import type { PeerCommands } from './protocol.js';

/** Second 0 of the flashes and of the beeps, so that they begin together whenever the tracks were published. */
const ORIGIN_MS = performance.now();

const CODECS = { h264: VideoCodec.H264, vp8: VideoCodec.VP8, av1: VideoCodec.AV1 };

export interface Publication {
  sid: string;
  track: LocalTrack;
  stop(): Promise<void>;
}

/** Feeds numbered pictures by the clock, so that their rate does not drift. */
export class VideoPublisher {
  pictures = 0;
  lastNumber = -1;

  async publish(participant: LocalParticipant, params: PeerCommands['publish_video']['params']): Promise<Publication> {
    const { width, height, framesPerSecond } = params;
    const source = new VideoSource(width, height);
    const track = LocalVideoTrack.createVideoTrack(params.name ?? 'camera', source);
    const publication = await participant.publishTrack(
      track,
      new TrackPublishOptions({
        source: params.source === 'screen' ? TrackSource.SOURCE_SCREENSHARE : TrackSource.SOURCE_CAMERA,
        simulcast: params.simulcast ?? false,
        videoCodec: CODECS[params.codec ?? 'h264'],
        videoEncoding: { maxBitrate: BigInt(params.maxBitrate ?? 2_000_000), maxFramerate: framesPerSecond },
      }),
    );
    const drawer = new NumberedPictures(width, height, framesPerSecond, params.detail);
    let drawn = Math.ceil(((performance.now() - ORIGIN_MS) / 1000) * framesPerSecond);
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - ORIGIN_MS) / 1000) * framesPerSecond);
      if (due < drawn) return;
      drawn = due + 1;
      source.captureFrame(
        new VideoFrame(drawer.draw(due), width, height, VideoBufferType.I420),
        BigInt(Math.round(performance.now() * 1000)),
      );
      this.pictures++;
      this.lastNumber = due & 0xffff;
    }, 4);
    const stop = async (): Promise<void> => {
      clearInterval(timer);
      await source.close();
    };
    return { sid: publication.sid ?? '', track, stop };
  }
}

/** Feeds a tone in chunks of 10 ms as the source takes them. */
export async function publishTone(
  participant: LocalParticipant,
  params: PeerCommands['publish_audio']['params'],
): Promise<Publication> {
  const channels = params.channels ?? 1;
  const source = new AudioSource(48_000, channels, 100);
  const track = LocalAudioTrack.createAudioTrack('microphone', source);
  const publication = await participant.publishTrack(
    track,
    new TrackPublishOptions({
      source: TrackSource.SOURCE_MICROPHONE,
      red: params.red ?? true,
      dtx: params.dtx ?? false,
    }),
  );
  const tone = new ToneSource({
    sampleRate: 48_000,
    channels,
    // The first chunk goes out at once, and the source takes chunks as they go out: position and clock stay together.
    position: Math.round((performance.now() - ORIGIN_MS) * 48),
    frequency: params.frequency,
    ...(params.beepFrequency === undefined ? {} : { beepFrequency: params.beepFrequency }),
    ...(params.amplitude === undefined ? {} : { amplitude: params.amplitude }),
  });
  let running = true;
  const loop = (async () => {
    while (running) {
      // After a stall of this process the source has played silence meanwhile: what was missed is left out, as by a sound card.
      const due = Math.round((performance.now() - ORIGIN_MS + source.queuedDuration) * 48);
      if (due - tone.position > 960) tone.skipTo(due);
      await source.captureFrame(new AudioFrame(tone.next(480), 48_000, channels, 480));
    }
  })().catch(() => undefined);
  const stop = async (): Promise<void> => {
    running = false;
    await loop;
    await source.close();
  };
  return { sid: publication.sid ?? '', track, stop };
}
