/** Reads the same pictures with @livekit/rtc-node's VideoStream and does nothing with them: the peer of the raw-picture benchmark. */
import { createInterface } from 'node:readline';
import { Room, RoomEvent, TrackKind, VideoStream, dispose } from '@livekit/rtc-node';

const { url, token } = JSON.parse(process.argv[2] ?? '{}') as { url: string; token: string };
const count = { frames: 0, bytes: 0, dropped: 0, width: 0, height: 0 };
const room = new Room();
room.on(RoomEvent.TrackSubscribed, (track) => {
  if (track.kind !== TrackKind.KIND_VIDEO) return;
  void (async () => {
    const reader = new VideoStream(track).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      count.frames++;
      count.bytes += value.frame.data.length;
      count.width = value.frame.width;
      count.height = value.frame.height;
    }
  })();
});
await room.connect(url, token, { autoSubscribe: true, dynacast: false });
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
const lines = createInterface({ input: process.stdin });
lines.on('line', () => process.stdout.write(`${JSON.stringify({ count })}\n`));
lines.on('close', () => {
  void room
    .disconnect()
    .then(() => dispose())
    .finally(() => process.exit(0));
});
