// A client in a process of its own: `vanishing_client.ts <address> <push|read|events> <engine id>`. Prints a line when it is in the middle of its work, and goes
// on until it is killed, at most half a minute.
import { AlirtcClient, VideoDataFormat } from '../../../client/index.js';

const LIFETIME_MS = 30_000;
setTimeout(() => process.exit(99), LIFETIME_MS).unref();

const [, , address = '', task = '', engineId = ''] = process.argv;
const client = await AlirtcClient.connect(address);
const engine = client.engine(engineId);
let count = 0;
const step = (): void => {
  if (++count === 3) process.stdout.write('working\n');
};

switch (task) {
  case 'push': {
    const push = engine.videoPush();
    const [width, height] = [640, 480];
    const data = Buffer.alloc(width * height * 1.5, 90);
    for (;;) {
      await push.push({ format: VideoDataFormat.I420, width, height, data });
      step();
    }
  }
  case 'read':
    for await (const picture of engine.pictures()) if (picture.width > 0) step();
    break;
  case 'events':
    process.stdout.write('working\n');
    for await (const event of engine.events()) if (event.sequence > 0) step();
    break;
  default:
    throw new Error(`no task "${task}"`);
}
