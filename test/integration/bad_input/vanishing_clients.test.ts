import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { EngineState, PublishMode, SubscribeMode, VideoDataFormat, type Engine } from '../../../client/index.js';
import { LiveFeed } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { descriptorsOf, residentBytes } from './footprint.js';
import { within } from './refused.js';
import { newChannel, TestBed } from './test_bed.js';

const CLIENT = fileURLToPath(new URL('./vanishing_client.ts', import.meta.url));
const FEED = { width: 320, height: 240, framesPerSecond: 15, frequency: 440 };

/** A client process that does one thing with an engine until it is killed; resolves when it is in the middle of it. */
async function startClient(bed: TestBed, task: 'push' | 'read' | 'events', engine: Engine): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', CLIENT, bed.daemon.address, task, engine.engineId], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const ready = once(lines, 'line');
  await within(ready, 15_000, () => 'the client does nothing').catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

describe('faults: a client process that vanishes', function () {
  this.timeout(40_000);
  let bed: TestBed;
  before(async () => void (bed = await TestBed.open()));
  after(() => bed[Symbol.asyncDispose]());

  async function descriptorsFallTo(count: number): Promise<void> {
    await eventually(() => {
      const now = descriptorsOf(bed.pid);
      return now <= count ? undefined : `${now} descriptors, ${count} before`;
    });
  }

  it('in the middle of a push stream leaves the engine usable, and its place free', async () => {
    await using engine = await bed.joined(newChannel(), 'me', { publishMode: PublishMode.AUTOMATICALLY });
    await engine.setExternalVideoSource(true);
    const before = descriptorsOf(bed.pid);
    await kill(await startClient(bed, 'push', engine));
    await descriptorsFallTo(before);
    const push = engine.videoPush();
    const data = Buffer.alloc(64 * 48 * 1.5);
    for (let i = 0; i < 12; i++)
      await within(
        push.push({ format: VideoDataFormat.I420, width: 64, height: 48, data }),
        4_000,
        () => `picture ${i} of the next client finds no room`,
      );
    assert.equal((await push.end()).acceptedFrames, 12);
    assert.equal((await engine.snapshot())?.state, EngineState.JOINED);
    await engine.release();
    await bed.nothingIsLeft();
  });

  it('in the middle of reading pictures and events leaves nothing, and does not disturb another reader', async () => {
    const channel = newChannel();
    await using sender = await bed.joined(channel, 'sender', { publishMode: PublishMode.AUTOMATICALLY });
    await using receiver = await bed.joined(channel, 'receiver', { subscribeMode: SubscribeMode.AUTOMATICALLY });
    const feed = await LiveFeed.start(sender, FEED);
    const own = receiver.pictures();
    await within(own.next(), 10_000, () => 'no picture');
    const before = descriptorsOf(bed.pid);
    const clients = await Promise.all([startClient(bed, 'read', receiver), startClient(bed, 'events', receiver)]);
    await Promise.all(clients.map(kill));
    await descriptorsFallTo(before);
    for (let i = 0; i < 10; i++) await within(own.next(), 5_000, () => 'the other reader gets no pictures any more');
    own.cancel();
    await feed.stop();
    await Promise.all([sender.release(), receiver.release()]);
    await bed.nothingIsLeft();
  });

  it('that stops reading costs the daemon a bounded queue', async () => {
    const channel = newChannel();
    await using sender = await bed.joined(channel, 'sender', { publishMode: PublishMode.AUTOMATICALLY });
    await using receiver = await bed.joined(channel, 'receiver', { subscribeMode: SubscribeMode.AUTOMATICALLY });
    const feed = await LiveFeed.start(sender, { ...FEED, width: 640, height: 480 });
    const client = await startClient(bed, 'read', receiver);
    client.kill('SIGSTOP');
    const before = residentBytes(bed.pid);
    const own = receiver.pictures();
    for (let i = 0; i < 45; i++) await within(own.next(), 10_000, () => 'no picture');
    const grownMb = (residentBytes(bed.pid) - before) / 1e6;
    own.cancel();
    await kill(client);
    await feed.stop();
    assert.ok(grownMb < 60, `the daemon grew by ${Math.round(grownMb)} MB`);
    await Promise.all([sender.release(), receiver.release()]);
    await bed.nothingIsLeft();
  });
});
