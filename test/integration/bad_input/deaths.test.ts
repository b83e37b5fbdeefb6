import assert from 'node:assert/strict';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import {
  AlirtcClient,
  AlirtcStatusError,
  ConnectionStatus,
  EndCause,
  ErrorCode,
  PublishMode,
} from '../../../client/index.js';
import { eventually } from '../../support/eventually.js';
import { LiveFeed } from '../../support/channel_scene.js';
import { isAlive } from './footprint.js';
import { eventOf, within } from './refused.js';
import { CONFIG, newChannel, TestBed } from './test_bed.js';

const FEED = { width: 160, height: 120, framesPerSecond: 10, frequency: 440 };

/** Ends the daemon with that signal, and gives how it ended and how long that took. */
async function endDaemon(bed: TestBed, signal: NodeJS.Signals): Promise<{ code: number | null; tookMs: number }> {
  const exited = once(bed.daemon.child, 'exit');
  const startedAt = performance.now();
  bed.daemon.child.kill(signal);
  const [code] = (await within(exited, 14_000, () => 'the daemon runs on')) as [number | null];
  return { code, tookMs: performance.now() - startedAt };
}

async function allGone(pids: number[], timeoutMs: number): Promise<void> {
  await eventually(() => {
    const left = pids.filter(isAlive);
    return left.length === 0 ? undefined : `still there: ${left.join(', ')}`;
  }, timeoutMs);
}

async function statusOf(promise: Promise<unknown>): Promise<string> {
  try {
    await within(promise, 8_000, () => 'the call hangs');
    return 'OK';
  } catch (error) {
    return error instanceof AlirtcStatusError ? error.codeName : String(error);
  }
}

describe('faults: the daemon ends', function () {
  this.timeout(30_000);

  it('by SIGTERM while engines are made and joins are on their way: code 0, and no process is left', async () => {
    await using bed = await TestBed.open();
    const joining = await bed.engine();
    const { token } = await bed.client.generateToken({ channel: 'c', userId: 'u' });
    const join = statusOf(joining.joinChannel({ token, channelId: 'c', userId: 'u', config: CONFIG }));
    const creations = [1, 2].map(() => statusOf(bed.client.createEngine()));
    await eventually(() => (bed.footprint.children.length > 2 ? undefined : 'no core of the creations yet'));
    const family = bed.footprint.children;
    const { code } = await endDaemon(bed, 'SIGTERM');
    assert.equal(code, 0);
    await allGone(family, 3_000);
    assert.match(await join, /^(OK|UNAVAILABLE|CANCELLED|FAILED_PRECONDITION)$/);
    for (const outcome of await Promise.all(creations)) assert.notEqual(outcome, 'Error: the call hangs');
  });

  it('by Ctrl-C, which reaches the cores too: they leave in order all the same', async () => {
    await using bed = await TestBed.open();
    const engine = await bed.joined(newChannel(), 'me');
    const events = engine.events({ resume: false });
    await eventOf(events, 'snapshot');
    const { processes } = await bed.client.nodeStatus();
    const core = processes.find(({ kind }) => kind === 'core');
    assert.ok(core !== undefined);
    process.kill(core.processId, 'SIGINT');
    const left = eventOf(events, 'onLeaveChannelResult').then(() => eventOf(events, 'ended'));
    const { code } = await endDaemon(bed, 'SIGINT');
    assert.equal(code, 0);
    assert.equal((await left).value.cause, EndCause.DAEMON_STOPPED);
  });

  it('by SIGTERM while media flows: code 0, the streams and the events end in order', async () => {
    await using bed = await TestBed.open();
    const channel = newChannel();
    const sender = await bed.joined(channel, 'sender', { publishMode: PublishMode.AUTOMATICALLY });
    const feed = await LiveFeed.start(sender, FEED);
    const receiver = await bed.joined(channel, 'receiver');
    const events = receiver.events({ resume: false });
    const mixed = receiver.mixedAudio();
    await within(mixed.next(), 5_000, () => 'no mixed sound');
    const family = bed.footprint.children;
    const reading = (async () => {
      for await (const frame of mixed) assert.equal(frame.samples, 480);
    })();
    const ended = eventOf(events, 'ended');
    const { code } = await endDaemon(bed, 'SIGTERM');
    assert.equal(code, 0);
    assert.equal((await ended).value.cause, EndCause.DAEMON_STOPPED);
    assert.equal(await statusOf(reading), 'OK');
    assert.match(await statusOf(feed.stop()), /^(OK|UNAVAILABLE|FAILED_PRECONDITION|CANCELLED)$/);
    await allGone(family, 3_000);
  });

  it('by SIGKILL: the core processes and the channel server end by themselves', async () => {
    await using bed = await TestBed.open();
    const channel = newChannel();
    await bed.joined(channel, 'one');
    await bed.engine();
    const family = bed.footprint.children;
    assert.ok(family.length >= 3, `processes: ${family.join(', ')}`);
    await endDaemon(bed, 'SIGKILL');
    await allGone(family, 5_000);
  });

  it('by SIGKILL, and starts again at the same socket', async () => {
    await using bed = await TestBed.open();
    await endDaemon(bed, 'SIGKILL');
    await assert.rejects(AlirtcClient.connect(bed.daemon.address, { connectTimeoutMs: 1_000 }), {
      codeName: 'UNAVAILABLE',
    });
    await using next = await TestBed.open(['--listen', bed.daemon.address]);
    const client = await AlirtcClient.connect(bed.daemon.address);
    assert.deepEqual(await client.listEngines(), []);
    client.close();
    assert.equal((await endDaemon(next, 'SIGTERM')).code, 0);
  });
});

describe('faults: a process of the daemon ends', function () {
  this.timeout(30_000);
  let bed: TestBed;
  // What comes behind a death when another core takes the place is in ../daemon/core_restart.test.ts.
  before(async () => void (bed = await TestBed.open(['--core-restart', 'never'])));
  after(() => bed[Symbol.asyncDispose]());

  it('a core that is killed in a call is told within a second, and every stream ends with UNAVAILABLE', async () => {
    const channel = newChannel();
    await using engine = await bed.joined(channel, 'me', { publishMode: PublishMode.AUTOMATICALLY });
    await using other = await bed.joined(channel, 'other');
    const feed = await LiveFeed.start(engine, FEED);
    const streams = [engine.pictures(), engine.encodedPictures(), engine.audioFrames(), engine.mixedAudio()];
    const ends = streams.map((stream) =>
      statusOf(
        (async () => {
          for await (const frame of stream) assert.ok(frame.data.length > 0);
        })(),
      ),
    );
    const events = engine.events({ resume: false });
    await eventOf(events, 'snapshot');
    const pending = statusOf(engine.subscribeRemoteAudioStream('nobody', true));
    const killedAt = performance.now();
    process.kill(engine.coreProcessId, 'SIGKILL');
    const { value } = await eventOf(events, 'onError');
    const tookMs = performance.now() - killedAt;
    assert.equal(value.errorCode, ErrorCode.NETWORK_DISCONNECT);
    assert.equal(value.number, ErrorCode.NETWORK_DISCONNECT);
    assert.ok(tookMs < 1_000, `told after ${Math.round(tookMs)} ms`);
    assert.equal((await eventOf(events, 'ended')).value.cause, EndCause.CORE_DIED);
    assert.deepEqual(await Promise.all(ends), ['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE']);
    assert.equal(await statusOf(feed.stop()), 'UNAVAILABLE');
    assert.equal(await pending, 'UNAVAILABLE');
    await assert.rejects(engine.muteLocalMic(true), { codeName: 'UNAVAILABLE', reason: 'CORE_DIED' });
    // The other engine of the channel goes on.
    assert.match(await other.getSdkVersion(), /./);
    await engine.release();
    await other.release();
    await bed.nothingIsLeft();
  });

  it('a core that is killed while it joins settles the join', async () => {
    await using engine = await bed.engine();
    const { token } = await bed.client.generateToken({ channel: 'k', userId: 'u' });
    const joined = statusOf(engine.joinChannel({ token, channelId: 'k', userId: 'u', config: CONFIG }));
    await eventually(async () => ((await engine.snapshot())?.channel === undefined ? 'no snapshot' : undefined));
    process.kill(engine.coreProcessId, 'SIGKILL');
    assert.match(await joined, /^(UNAVAILABLE|OK)$/);
    await bed.nothingIsLeft();
  });

  it('a core that stands still does not hold up Release', async () => {
    await using engine = await bed.joined(newChannel(), 'me');
    process.kill(engine.coreProcessId, 'SIGSTOP');
    const startedAt = performance.now();
    await engine.release();
    assert.ok(performance.now() - startedAt < 8_000, 'longer than the kill ladder');
    await bed.nothingIsLeft();
  });

  it('a channel server that is killed in a call is told as Reconnecting, and the call goes on with the next one', async () => {
    await using engine = await bed.joined(newChannel(), 'me');
    const events = engine.events();
    const { processes } = await bed.client.nodeStatus();
    const server = processes.find(({ kind }) => kind === 'channel-server');
    assert.ok(server !== undefined);
    const killedAt = performance.now();
    process.kill(server.processId, 'SIGKILL');
    const statusIs = (wanted: ConnectionStatus) =>
      eventOf(events, 'onConnectionStatusChanged', ({ value }) => value.status === wanted, 12_000);
    await statusIs(ConnectionStatus.RECONNECTING);
    const tookMs = performance.now() - killedAt;
    assert.ok(tookMs < 2_000, `told after ${Math.round(tookMs)} ms`);
    await statusIs(ConnectionStatus.CONNECTED);
    await using second = await bed.engine();
    await bed.join(second, newChannel(), 'you');
    events.cancel();
  });

  it('is told to a client with its status when the engine is used afterwards', async () => {
    await using engine = await bed.engine();
    process.kill(engine.coreProcessId, 'SIGTERM');
    await eventually(async () =>
      (await bed.client.listEngines()).some(({ engineId }) => engineId === engine.engineId)
        ? 'still listed'
        : undefined,
    );
    await assert.rejects(engine.getSdkVersion(), { code: status.UNAVAILABLE, reason: 'CORE_DIED' });
    await engine.release();
  });
});
