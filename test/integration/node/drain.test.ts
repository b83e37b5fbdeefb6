import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { credentials, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { service as healthDefinition } from 'grpc-health-check';
import { Client } from '@grpc/grpc-js';
import { GetEventHandlerRequest } from '../../../gen/alirtc/v1/events.js';
import type { GetEventHandlerResponse } from '../../../gen/alirtc/v1/events.js';
import { EndCause, EngineState } from '../../../gen/alirtc/v1/events.js';
import { CreateAliRTCEngineRequest, ReleaseRequest } from '../../../gen/alirtc/v1/engine.js';
import type { DrainResponse, GetNodeStatusResponse } from '../../../gen/alirtc/v1/node.js';
import { eventually } from '../../support/eventually.js';
import { errorInfoOf, retryDelayMsOf, rpc } from '../../support/rpc.js';
import { Scene } from '../daemon/scene.js';

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);
const failure = (promise: Promise<unknown>): Promise<ServiceError> =>
  promise.then(
    () => assert.fail('it succeeded'),
    (error: unknown) => error as ServiceError,
  );

/** What grpc.health.v1 says of a service. */
async function healthOf({ daemon }: Scene, service = ''): Promise<string> {
  const client = new Client(daemon.target, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = healthDefinition['Check'] ?? assert.fail('no Check');
  const answer = await rpc<{ status: string }>((done) =>
    client.makeUnaryRequest(
      path,
      requestSerialize,
      (bytes) => responseDeserialize(bytes) as { status: string },
      { service },
      (error, response) => done(error, response as { status: string }),
    ),
  );
  client.close();
  return answer.status;
}

/** Everything that an engine tells, as it comes. */
function follow(
  { daemon }: Scene,
  engineId: string,
): { names: () => string[]; all: GetEventHandlerResponse[]; ended: Promise<unknown> } {
  const call = daemon.events.getEventHandler(GetEventHandlerRequest.fromPartial({ engineId, fromSequence: 1 }));
  const all: GetEventHandlerResponse[] = [];
  call.on('data', (event: GetEventHandlerResponse) => all.push(event));
  const ended = new Promise((resolve) => call.on('error', resolve).on('end', () => resolve(undefined)));
  return { all, names: () => all.map(({ event }) => event?.$case ?? ''), ended };
}

const drain = (scene: Scene, deadlineSeconds: number) =>
  rpc<DrainResponse>((done) => scene.daemon.node.drain({ deadlineSeconds }, done));
const create = (scene: Scene) =>
  failure(rpc((done) => scene.daemon.engines.createAliRtcEngine(CreateAliRTCEngineRequest.fromPartial({}), done)));

describe('draining a node', function () {
  this.timeout(60_000);
  const scenes: Scene[] = [];
  const start = async (flags: string[] = []): Promise<Scene> => {
    const scene = await Scene.start({ flags: ['--http-listen', '127.0.0.1:0', ...flags] });
    scenes.push(scene);
    return scene;
  };
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close();
  });

  // for the table: NodeService.Drain
  it('refuses a deadline that is none by name, and goes on', async () => {
    const scene = await start();
    for (const deadlineSeconds of [-1, 86_401, 2_147_483_647, -2_147_483_648]) {
      const error = await failure(drain(scene, deadlineSeconds));
      const info = errorInfoOf(error);
      assert.equal(error.code, status.INVALID_ARGUMENT);
      assert.deepEqual([info?.reason, info?.metadata['field']], ['INVALID_FIELD', 'deadline_seconds']);
      assert.equal(info?.metadata['value'], String(deadlineSeconds));
      assert.ok(info.metadata['remedy']);
    }
    assert.equal(await healthOf(scene), 'SERVING');
  });

  it('takes no new engines, says so everywhere, and lets those that are there go on', async () => {
    const scene = await start();
    const { engineId } = await scene.joined('bot');
    const events = follow(scene, engineId);
    const { deadlineUs, engines } = await drain(scene, 600);
    assert.equal(engines, 1);
    assert.ok(Math.abs(deadlineUs / 1000 - Date.now() - 600_000) < 30_000);
    for (const service of ['', 'alirtc.v1.EngineService', 'alirtc.v1.MediaService'])
      assert.equal(await healthOf(scene, service), 'NOT_SERVING', service);
    const page = await fetch(`${scene.daemon.ready.http ?? ''}/healthz`);
    assert.equal(page.status, 503);
    assert.equal(((await page.json()) as { draining: boolean }).draining, true);
    const refused = await create(scene);
    assert.deepEqual([refused.code, errorInfoOf(refused)?.reason], [status.UNAVAILABLE, 'DRAINING']);
    const retryMs = retryDelayMsOf(refused) ?? 0;
    assert.ok(retryMs > 500_000 && retryMs <= 600_000, String(retryMs));
    await eventually(() => (events.names().includes('goingAway') ? undefined : 'no going-away event'));
    const told = events.all.find(({ event }) => event?.$case === 'goingAway')?.event?.value;
    assert.deepEqual(told, { deadlineUs, reason: 'Drain was called' });
    const { draining, drainDeadlineUs } = await rpc<GetNodeStatusResponse>((done) =>
      scene.daemon.node.getNodeStatus({}, done),
    );
    assert.deepEqual([draining, drainDeadlineUs], [true, deadlineUs]);
    // It may even change channels.
    await rpc((done) => scene.daemon.engines.leaveChannel({ engineId, wait: true }, done));
    await scene.join(engineId, { userId: 'bot', channel: 'another' });
    assert.equal(await drain(scene, 900).then((answer) => answer.deadlineUs), deadlineUs, 'a deadline was put off');
  });

  it('ends with 0 as soon as the last engine was released', async () => {
    const scene = await start();
    const { engineId, created } = await scene.joined('bot');
    await drain(scene, 600);
    await rpc((done) => scene.daemon.engines.release(ReleaseRequest.fromPartial({ engineId }), done));
    assert.deepEqual(await scene.daemon.exited, { code: 0, signal: null });
    assert.equal(isAlive(created.coreProcessId), false);
  });

  it('at the deadline engines leave their channels, are released, and nothing is left', async () => {
    const scene = await start(['--drain-seconds', '2']);
    const { engineId, created, core } = await scene.joined('bot');
    const events = follow(scene, engineId);
    scene.daemon.child.kill('SIGTERM');
    await eventually(() => (events.names().includes('goingAway') ? undefined : 'no going-away event'));
    assert.equal(
      events.all.find(({ event }) => event?.$case === 'goingAway')?.event?.value && isAlive(created.coreProcessId),
      true,
    );
    assert.deepEqual(await scene.daemon.exited, { code: 0, signal: null });
    await events.ended;
    const states = events.all.flatMap(({ event }) =>
      event?.$case === 'engineStateChanged' ? [event.value.newState] : [],
    );
    assert.deepEqual(states.slice(-4), [
      EngineState.LEAVING,
      EngineState.READY,
      EngineState.CLOSING,
      EngineState.CLOSED,
    ]);
    const last = events.all.at(-1)?.event;
    assert.deepEqual([last?.$case, last?.$case === 'ended' ? last.value.cause : 0], ['ended', EndCause.DAEMON_STOPPED]);
    assert.equal(isAlive(created.coreProcessId), false);
    assert.ok(core);
  });

  it('a second signal makes them leave at once, in order all the same', async () => {
    const scene = await start(['--drain-seconds', '3600']);
    const { engineId } = await scene.joined('bot');
    const events = follow(scene, engineId);
    scene.daemon.child.kill('SIGTERM');
    await eventually(() => (events.names().includes('goingAway') ? undefined : 'no going-away event'));
    scene.daemon.child.kill('SIGTERM');
    assert.deepEqual(await scene.daemon.exited, { code: 0, signal: null });
    await events.ended;
    assert.ok(events.names().includes('onLeaveChannelResult'));
  });

  it('a node without engines ends at once', async () => {
    const scene = await start();
    await drain(scene, 600);
    assert.deepEqual(await scene.daemon.exited, { code: 0, signal: null });
  });
});
