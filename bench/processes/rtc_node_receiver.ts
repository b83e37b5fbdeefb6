/** Reads pictures with @livekit/rtc-node's VideoStream, in one room for each token, and does nothing with them: the peer of our receivers. */
import { createInterface } from 'node:readline';
import { Room, RoomEvent, TrackKind, VideoStream, dispose, type RemoteTrack } from '@livekit/rtc-node';

const { url, tokens } = JSON.parse(process.argv[2] ?? '{}') as { url: string; tokens: string[] };
const count = { frames: 0, bytes: 0, dropped: 0, width: 0, height: 0 };

async function read(track: RemoteTrack): Promise<void> {
  const reader = new VideoStream(track).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    count.frames++;
    count.bytes += value.frame.data.length;
    count.width = value.frame.width;
    count.height = value.frame.height;
  }
}

const rooms = tokens.map(() => new Room());
for (const [index, room] of rooms.entries()) {
  room.on(RoomEvent.TrackSubscribed, (track) => {
    if (track.kind === TrackKind.KIND_VIDEO) void read(track);
  });
  await room.connect(url, tokens[index] ?? '', { autoSubscribe: true, dynacast: false });
}
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
const lines = createInterface({ input: process.stdin });
lines.on('line', () => process.stdout.write(`${JSON.stringify({ count })}\n`));
lines.on('close', () => {
  void Promise.all(rooms.map((room) => room.disconnect()))
    .then(() => dispose())
    .finally(() => process.exit(0));
});
