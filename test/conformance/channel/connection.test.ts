import { ConnectionStatus, EngineState, SubscribeState, type Engine } from '../../../client/index.js';
import { ChannelScene, LiveFeed } from '../../support/channel_scene.js';
import { readPictureNumber } from '../../support/media/numbered_picture.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { LISTENING, MANUAL, PUBLISHING, joined, newUser, type User } from './scene.js';
import { ServerProcess, Wire } from './server_process.js';

const OUTAGE_MS = 5000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const ofKind = (lines: readonly string[], pattern: RegExp): string[] => lines.filter((line) => pattern.test(line));
/** What says how the connection is; errors belong to it. */
const CONNECTION = /^(status|error)/;

/** A feed, and what the receiver gets of it. */
async function talking(scene: ChannelScene): Promise<{ sender: User; receiver: User; feed: LiveFeed }> {
  const receiver = await joined(scene, 'receiver', LISTENING);
  const sender = await joined(scene, 'sender', PUBLISHING);
  const feed = await LiveFeed.start(sender.engine, { width: 320, height: 180, framesPerSecond: 10, frequency: 440 });
  await receiver.callbacks.until('camera sender SUBSCRIBING>SUBSCRIBED');
  await receiver.callbacks.until('audio sender SUBSCRIBING>SUBSCRIBED');
  return { sender, receiver, feed };
}

/** Ten pictures with growing numbers, drawn after this moment, and half a second of sound that is not silence. */
async function checkMedia(check: Check, engine: Engine, feed: LiveFeed, what: string): Promise<void> {
  const after = feed.lastNumber;
  const numbers: number[] = [];
  const pictures = (async () => {
    for await (const picture of engine.pictures({ uids: ['sender'], signal: AbortSignal.timeout(15_000) })) {
      const number = readPictureNumber(picture.data, picture.width, picture.height);
      if (number !== undefined && number > after) numbers.push(number);
      if (numbers.length >= 10) return;
    }
  })();
  let loud = 0;
  const sound = (async () => {
    for await (const frame of engine.audioFrames({ uids: ['sender'], signal: AbortSignal.timeout(15_000) })) {
      if (frame.data.some((byte, index) => index % 2 === 1 && byte > 1 && byte < 254)) loud++;
      if (loud >= 50) return;
    }
  })();
  await Promise.all([pictures, sound]);
  check.equal(numbers.length, 10, `pictures ${what}`);
  check.equal(
    numbers,
    [...numbers].sort((a, b) => a - b),
  );
  check.equal(loud, 50, `sound ${what}`);
}

/** Faults of a cluster are in test/cluster. */
const ownServer = 'it cuts the way to its channel server, and kills it';

describe('conformance: the connection', () => {
  let server: ServerProcess;
  let wire: Wire;
  let daemon: RunningDaemon;
  before(async function () {
    this.timeout(30_000);
    server = await ServerProcess.start();
    wire = new Wire(() => server.port);
    await wire.open();
    daemon = await startDaemon({ args: ['--channel-server', wire.url] });
  });
  // A row that failed in the middle of an outage leaves the others what they need.
  beforeEach(async () => {
    server.resume();
    await server.start();
    await wire.open();
  });
  after(async function () {
    this.timeout(30_000);
    await daemon.stop();
    await wire[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  row(
    'Init, Connecting, Connected, Disconnected around a stay',
    { covers: ['OnConnectionStatusChanged', 'JoinChannel', 'LeaveChannel'], peer: 'engine', ownServer },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const { engine, callbacks } = await newUser(scene);
      check.equal((await engine.snapshot())?.connectionStatus, ConnectionStatus.INIT);
      await scene.join(engine, 'user', MANUAL);
      check.equal((await engine.snapshot())?.connectionStatus, ConnectionStatus.CONNECTED);
      await engine.leaveChannel();
      check.equal(ofKind(await callbacks.take('leave ERR_OK'), CONNECTION), [
        'status CONNECTING',
        'status CONNECTED',
        'status DISCONNECTED',
      ]);
    },
  );

  row(
    'the signalling socket is cut: Reconnecting and Connected once each, at sender and receiver; media flows again',
    { covers: ['OnConnectionStatusChanged'], peer: 'engine', ownServer },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const { sender, receiver, feed } = await talking(scene);
      await Promise.all([sender.callbacks.take(), receiver.callbacks.take()]);
      await wire.cut();
      for (const { callbacks } of [sender, receiver]) await callbacks.until('status RECONNECTING');
      await wire.open();
      for (const { callbacks } of [sender, receiver]) {
        const lines = await callbacks.take('status CONNECTED');
        check.equal(ofKind(lines, CONNECTION), ['status RECONNECTING', 'status CONNECTED']);
      }
      await checkMedia(check, receiver.engine, feed, 'after the cut');
      check.equal(
        (await receiver.engine.snapshot())?.remoteUsers.map(({ uid, camera }) => [uid, camera]),
        [['sender', SubscribeState.SUBSCRIBED]],
      );
      await feed.stop();
    },
  );

  row(
    'the channel server is killed and started again after 5 s: Reconnecting, Connected; what was published is published, media flows again',
    { covers: ['OnConnectionStatusChanged'], peer: 'engine', ownServer },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const { sender, receiver, feed } = await talking(scene);
      await Promise.all([sender.callbacks.take(), receiver.callbacks.take()]);
      const killedAt = performance.now();
      await server.end('SIGKILL');
      for (const { callbacks } of [sender, receiver]) await callbacks.until('status RECONNECTING');
      await pause(OUTAGE_MS - (performance.now() - killedAt));
      await server.start();
      for (const { callbacks } of [sender, receiver]) {
        const lines = await callbacks.take('status CONNECTED');
        check.equal(ofKind(lines, CONNECTION), ['status RECONNECTING', 'status CONNECTED']);
      }
      await checkMedia(check, receiver.engine, feed, 'after the restart');
      const snapshot = await receiver.engine.snapshot();
      check.equal(
        snapshot?.remoteUsers.map(({ uid, camera, audio }) => [uid, camera, audio]),
        [['sender', SubscribeState.SUBSCRIBED, SubscribeState.SUBSCRIBED]],
      );
      check.equal(await sender.engine.isLocalVideoStreamPublished(), true);
      await sender.engine.publishLocalVideoStream(false);
      await receiver.callbacks.until('tracks sender MIC NO');
      await feed.stop();
    },
  );

  for (const signal of ['SIGKILL', 'SIGTERM'] as const)
    row(
      `longer than the limit (${signal}): Reconnecting, Failed and ERR_NETWORK_RECONNECT_FAIL; out of the channel, everything Idle; it may join again`,
      { covers: ['OnConnectionStatusChanged', 'OnError', 'SetParameter'], peer: 'engine', ownServer },
      async (check: Check) => {
        await using scene = await ChannelScene.open(daemon);
        const { engine, callbacks } = await newUser(scene);
        await engine.setParameter({ alirtcd: { reconnectLimitMs: 1500 } });
        await scene.join(engine, 'user', PUBLISHING);
        await callbacks.take('publish camera PUBLISHING>PUBLISHED', 'publish audio PUBLISHING>PUBLISHED');
        await server.end(signal);
        const { event: lost } = await callbacks.until('status RECONNECTING');
        const { event: failed } = await callbacks.until('error ERR_NETWORK_RECONNECT_FAIL');
        check.within((failed.timeUs - lost.timeUs) / 1000, 1300, 3000, 'from Reconnecting to the error');
        const lines = await callbacks.take();
        check.equal(ofKind(lines, CONNECTION), [
          'status RECONNECTING',
          'status FAILED',
          'error ERR_NETWORK_RECONNECT_FAIL',
        ]);
        check.equal(ofKind(lines, /^publish/).sort(), [
          'publish audio PUBLISHED>IDLE',
          'publish camera PUBLISHED>IDLE',
        ]);
        const snapshot = await engine.snapshot();
        check.equal([snapshot?.state, snapshot?.channel], [EngineState.READY, '']);
        await server.start();
        await scene.join(engine, 'user', MANUAL);
        check.equal(await callbacks.take('join ERR_OK'), ['status CONNECTING', 'status CONNECTED', 'join ERR_OK']);
      },
    );

  row(
    'a leave and a release while it reconnects end at once',
    { covers: ['LeaveChannel', 'OnLeaveChannelResult', 'Release'], peer: 'engine', ownServer },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const leaving = await joined(scene, 'leaving');
      const releasing = await joined(scene, 'releasing');
      await wire.cut();
      for (const { callbacks } of [leaving, releasing]) await callbacks.until('status RECONNECTING');
      const startedAt = performance.now();
      await leaving.engine.leaveChannel();
      check.within(performance.now() - startedAt, 0, 3000, 'the leave');
      await releasing.engine.release();
      check.within(performance.now() - startedAt, 0, 6000, 'leave and release');
      check.equal((await leaving.callbacks.take('leave ERR_OK')).at(-1), 'leave ERR_OK');
      await wire.open();
      await scene.join(leaving.engine, 'leaving', MANUAL);
      check.equal((await leaving.callbacks.take('join ERR_OK')).at(-1), 'join ERR_OK');
    },
  );

  row(
    'a join with no server, and with a deaf one: exactly one OnJoinChannelResult each, ERR_JOIN_TIMEOUT after 10 s',
    { covers: ['JoinChannel', 'OnJoinChannelResult', 'OnConnectionStatusChanged'], peer: 'engine', ownServer },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const refused = await newUser(scene);
      const deaf = await newUser(scene);
      await wire.cut();
      await check.rejects(scene.join(refused.engine, 'refused', MANUAL), { reason: 'ERR_NETWORK_CONNECT_FAIL' });
      check.equal(await refused.callbacks.take('join ERR_NETWORK_CONNECT_FAIL'), [
        'status CONNECTING',
        'status FAILED',
        'join ERR_NETWORK_CONNECT_FAIL',
      ]);
      await wire.open();
      server.pause();
      const startedAt = performance.now();
      await check.rejects(scene.join(deaf.engine, 'deaf', MANUAL), { reason: 'ERR_JOIN_TIMEOUT' });
      check.within(performance.now() - startedAt, 9500, 11_500, 'until the result');
      server.resume();
      check.equal(await deaf.callbacks.take('join ERR_JOIN_TIMEOUT'), [
        'status CONNECTING',
        'status FAILED',
        'join ERR_JOIN_TIMEOUT',
      ]);
      await scene.join(deaf.engine, 'deaf', MANUAL);
      check.equal((await deaf.callbacks.take('join ERR_OK')).at(-1), 'join ERR_OK');
    },
  );
});
