import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { credentials, Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { service as healthDefinition } from 'grpc-health-check';
import { EngineServiceClient, ReleaseRequest } from '../../../gen/alirtc/v1/engine.js';
import { EndCause, GetEventHandlerRequest } from '../../../gen/alirtc/v1/events.js';
import type { GetEventHandlerResponse } from '../../../gen/alirtc/v1/events.js';
import { OnRemoteVideoSampleRequest } from '../../../gen/alirtc/v1/media.js';
import type { OnRemoteVideoSampleResponse } from '../../../gen/alirtc/v1/media.js';
import { readProcessStatus } from '../../../daemon/node/process_status.js';
import { DaemonProcess } from '../../support/daemon_process.js';
import { eventually } from '../../support/eventually.js';
import { rpc } from '../../support/rpc.js';
import { Scene } from './scene.js';

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);
const release = (client: EngineServiceClient, engineId: string) =>
  rpc((done) => client.release(ReleaseRequest.fromPartial({ engineId }), done));
const failure = (promise: Promise<unknown>): Promise<ServiceError> =>
  promise.then(
    () => assert.fail('it succeeded'),
    (error: unknown) => error as ServiceError,
  );

/** All events of an engine until its end. */
function history(scene: Scene, engineId: string): Promise<GetEventHandlerResponse[]> {
  const call = scene.daemon.events.getEventHandler(GetEventHandlerRequest.fromPartial({ engineId, fromSequence: 1 }));
  const events: GetEventHandlerResponse[] = [];
  call.on('data', (event: GetEventHandlerResponse) => events.push(event));
  return new Promise((resolve, reject) => call.on('error', reject).on('end', () => resolve(events)));
}

describe('the life of the daemon', () => {
  it('listens on a socket of its own only, beside TCP, and leaves neither it nor its run folder', async () => {
    const folder = path.join(os.tmpdir(), `alirtcd-life-${process.pid}`);
    const socket = path.join(folder, 'alirtcd.sock');
    const scene = await Scene.start({ listen: [`unix:${socket}`, 'tcp:127.0.0.1:0'] });
    assert.equal(scene.daemon.ready.listen[0], `unix:${socket}`);
    assert.match(scene.daemon.ready.listen[1] ?? '', /^tcp:127\.0\.0\.1:[1-9]\d*$/);
    assert.equal(statSync(socket).mode & 0o777, 0o600);
    const client = new EngineServiceClient(`unix:${socket}`, credentials.createInsecure());
    assert.deepEqual(await rpc((done) => client.listEngines({}, done)), { engines: [] });
    client.close();
    const runFolders = () => readdirSync(scene.daemon.folder).filter((name) => name.startsWith('alirtcd-'));
    assert.equal(runFolders().length, 1);
    scene.daemon.child.kill('SIGTERM');
    await scene.daemon.exited;
    assert.deepEqual(runFolders(), []);
    assert.equal(existsSync(socket), false);
    rmdirSync(folder);
    await scene.close();
  });

  it('ends every core when it is told to, and answers with 0', async () => {
    const scene = await Scene.start();
    const engines = [
      await scene.engine(),
      await scene.joined(),
      await scene.engine(['LEAVE_CHANNEL', 'DESTROY_ENGINE']),
    ];
    await scene.join(engines[2]?.engineId ?? '', { userId: 'deaf' });
    const { processes } = await rpc<{ processes: { kind: string; processId: number; residentBytes: number }[] }>(
      (done) => scene.daemon.node.getNodeStatus({}, done),
    );
    const cores = processes.filter(({ kind }) => kind === 'core');
    assert.equal(cores.length, 3);
    assert.ok(processes.every(({ residentBytes }) => residentBytes > 1_000_000));
    assert.deepEqual(await scene.close(), { code: 0, signal: null });
    assert.deepEqual(
      cores.filter(({ processId }) => isAlive(processId)),
      [],
    );
  });

  it('leaves no core behind when it is killed', async () => {
    const scene = await Scene.start();
    const { created } = await scene.engine();
    scene.daemon.child.kill('SIGKILL');
    await scene.daemon.exited;
    await eventually(() => (isAlive(created.coreProcessId) ? 'the core is still there' : undefined), 5000);
    await scene.close();
  });

  it('starts the embedded channel server, starts it again when it dies, and takes it along', async () => {
    const daemon = await DaemonProcess.start();
    const serverPid = async (): Promise<number> => {
      const { processes } = await rpc<{ processes: { kind: string; processId: number }[] }>((done) =>
        daemon.node.getNodeStatus({}, done),
      );
      return processes.find(({ kind }) => kind === 'channel-server')?.processId ?? 0;
    };
    const first = await serverPid();
    assert.match(daemon.ready.channelServerUrl, /^ws:\/\/127\.0\.0\.1:\d+$/);
    process.kill(first, 'SIGKILL');
    const http = daemon.ready.channelServerUrl.replace('ws:', 'http:');
    await eventually(async () => {
      if ((await serverPid()) === first) return 'it was not started again';
      return fetch(http).then(
        () => undefined,
        () => 'it does not answer',
      );
    });
    const second = await serverPid();
    assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
    assert.equal(isAlive(second), false);
  });

  for (const [title, flags, text] of [
    ['an address that others can reach', ['--listen', 'tcp:0.0.0.0:0'], /only loopback/],
    ['an unknown flag', ['--unknown'], /unknown option/],
    ['a log root that nobody can make', ['--log-root', '/proc/log'], /log-root \/proc\/log: ENOENT/],
    ['a socket in such a folder', ['--listen', 'unix:/proc/run/s'], /cannot listen on unix:\/proc\/run\/s: ENOENT/],
    ['a key file that is not there', ['--keys', '/nowhere/keys.yaml'], /\/nowhere\/keys.yaml/],
  ] as const)
    it(`does not start with ${title}, and says so`, async () => {
      await assert.rejects(DaemonProcess.start({ flags }), text);
    });
});

describe('the life of an engine', () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.start({ flags: ['--core-restart', 'never'] });
  });
  after(() => scene.close());

  it('can be released twice; then it is known no more', async () => {
    const { engineId, created } = await scene.engine();
    await release(scene.daemon.engines, engineId);
    assert.equal(isAlive(created.coreProcessId), false);
    await release(scene.daemon.engines, engineId);
    assert.equal((await failure(release(scene.daemon.engines, 'eng_none'))).code, status.NOT_FOUND);
    const call = rpc((done) => scene.daemon.engines.muteLocalMic({ engineId, mute: true }, done));
    assert.equal((await failure(call)).code, status.NOT_FOUND);
    const events = await history(scene, engineId);
    const last = events.at(-1)?.event;
    assert.ok(last?.$case === 'ended' && last.value.cause === EndCause.RELEASED);
  });

  it('tells of its core that dies: the error within a second, then the end with the last lines', async () => {
    const { engineId, core } = await scene.joined();
    const begunMs = performance.now();
    const told = history(scene, engineId);
    const frames = scene.daemon.media.onRemoteVideoSample(OnRemoteVideoSampleRequest.fromPartial({ engineId }));
    const framesEnd = new Promise<ServiceError>((resolve) => frames.once('error', resolve));
    await new Promise((resolve) => frames.once('metadata', resolve));
    core.exit(7);
    const events = await told;
    assert.ok(performance.now() - begunMs < 1000);
    const names = events.map(({ event }) => event?.$case);
    assert.deepEqual(names.slice(-3), ['onError', 'engineStateChanged', 'ended']);
    const last = events.at(-1)?.event;
    assert.ok(last?.$case === 'ended' && last.value.cause === EndCause.CORE_DIED);
    assert.match(last.value.detail, /the script says: exit/);
    assert.equal((await framesEnd).code, status.UNAVAILABLE);
    const call = rpc((done) => scene.daemon.engines.muteLocalMic({ engineId, mute: true }, done));
    assert.equal((await failure(call)).code, status.UNAVAILABLE);
    await release(scene.daemon.engines, engineId);
  });

  it('resumes its events where a client left off', async () => {
    const { engineId } = await scene.joined();
    await release(scene.daemon.engines, engineId);
    const all = await history(scene, engineId);
    const sequences = all.slice(1).map(({ sequence }) => sequence);
    assert.deepEqual(
      sequences,
      sequences.map((_, index) => index + 1),
    );
  });

  it('keeps the memory flat while a client does not read its pictures, and tells what was dropped', async () => {
    const { engineId, core } = await scene.joined();
    const call = scene.daemon.media.onRemoteVideoSample(OnRemoteVideoSampleRequest.fromPartial({ engineId }));
    // From the beginning, so that a failure here ends this test and no later one.
    call.on('error', () => undefined);
    await new Promise((resolve) => call.once('metadata', resolve));
    const residentBytes = async () => (await readProcessStatus(scene.daemon.ready.pid)).residentBytes;
    const before = await residentBytes();
    const fields = { uid: 'anna', track: 0, type: 0, frame_ms: 1, width: 640, height: 360, frame_num: 1, qp: 0 };
    const count = 800;
    core.frames('DECODED_VIDEO_FRAME', { ...fields, mv_infos: [], slice_type: 2 }, { count, payloadBytes: 345_600 });
    // The event behind the last picture tells that the daemon has taken all of them.
    const events = scene.daemon.events.getEventHandler(GetEventHandlerRequest.fromPartial({ engineId }));
    events.on('error', () => undefined);
    const behind = new Promise<void>((resolve) =>
      events.on('data', ({ event }: GetEventHandlerResponse) => event?.$case === 'onWarning' && resolve()),
    );
    core.sendAfterFrames('WARNING', { warningCode: -1 });
    await behind;
    const grown = (await residentBytes()) - before;
    // 276 MB of pictures were sent.
    assert.ok(grown < 100_000_000, `${grown} bytes`);
    const last = await new Promise<OnRemoteVideoSampleResponse>((resolve) => {
      let expected = 0;
      call.on('data', (message: OnRemoteVideoSampleResponse) => {
        expected += (message.header?.droppedBefore ?? 0) + 1;
        assert.equal(message.header?.sequence, expected);
        if (expected === count) resolve(message);
      });
    });
    assert.equal(Buffer.from(last.data).readUInt32BE(0), count);
    events.cancel();
    call.cancel();
  });

  it('answers health checks', async () => {
    const [check] = Object.values(healthDefinition).filter(({ originalName }) => originalName === 'check');
    assert.ok(check !== undefined);
    const answer = await rpc<unknown>((done) =>
      scene.daemon.node.makeUnaryRequest(
        check.path,
        check.requestSerialize,
        check.responseDeserialize,
        { service: 'alirtc.v1.EngineService' },
        new Metadata(),
        (error, value) => done(error, value),
      ),
    );
    assert.deepEqual((answer as { status: string }).status, 'SERVING');
  });
});
