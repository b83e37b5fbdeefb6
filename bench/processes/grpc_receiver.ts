/** Reads decoded or encoded pictures of one engine over gRPC and does nothing with them: the client's side of the raw-picture benchmark. */
import { createInterface } from 'node:readline';
import { AlirtcClient, ChannelProfile, SubscribeMode } from '../../client/index.js';

interface Parameters {
  address: string;
  channel: string;
  userId: string;
  kind: 'raw' | 'encoded';
}

const { address, channel, userId, kind } = JSON.parse(process.argv[2] ?? '{}') as Parameters;
const client = await AlirtcClient.connect(address);
const engine = await client.createEngine();
const { token } = await client.generateToken({ channel, userId });
const frames = kind === 'raw' ? engine.pictures() : engine.encodedPictures();
await engine.joinChannel({
  token,
  channelId: channel,
  userId,
  config: { channelProfile: ChannelProfile.COMMUNICATION, subscribeMode: SubscribeMode.CAMERA_AUTO_AND_ONLY },
});
process.stdout.write(`${JSON.stringify({ ready: true, corePid: engine.coreProcessId })}\n`);
const count = { frames: 0, bytes: 0, dropped: 0, width: 0, height: 0 };
const lines = createInterface({ input: process.stdin });
lines.on('line', () => process.stdout.write(`${JSON.stringify({ count })}\n`));
lines.on('close', () => {
  frames.cancel();
  void engine.release().finally(() => process.exit(0));
});
for await (const frame of frames) {
  count.frames++;
  count.bytes += frame.data.length;
  count.dropped += frame.droppedBefore;
  count.width = frame.width;
  count.height = frame.height;
  if ('release' in frame) frame.release();
}
