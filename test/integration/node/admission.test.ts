import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { CreateAliRTCEngineRequest, SubscribeRemoteVideoStreamRequest } from '../../../gen/alirtc/v1/engine.js';
import type { GetNodeStatusResponse } from '../../../gen/alirtc/v1/node.js';
import { VideoTrack } from '../../../gen/alirtc/v1/types.js';
import { errorInfoOf, retryDelayMsOf, rpc } from '../../support/rpc.js';
import { Scene } from '../daemon/scene.js';
import { readMetrics } from './metrics_text.js';

const start = (capacityMs: number): Promise<Scene> =>
  Scene.start({ flags: ['--http-listen', '127.0.0.1:0', '--capacity-ms', String(capacityMs)] });
const statusOf = (scene: Scene) => rpc<GetNodeStatusResponse>((done) => scene.daemon.node.getNodeStatus({}, done));
const metricsOf = async (scene: Scene) =>
  readMetrics(await (await fetch(`${scene.daemon.ready.http ?? ''}/metrics`)).text());
const failure = (promise: Promise<unknown>): Promise<ServiceError | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => error as ServiceError,
  );

describe('admission by cost', function () {
  this.timeout(60_000);
  let scene: Scene | undefined;
  afterEach(async () => {
    await scene?.close();
    scene = undefined;
  });

  it('refuses an engine that a node has no room for, with a reason and a time to ask again', async () => {
    scene = await start(3);
    const { daemon } = scene;
    const request = CreateAliRTCEngineRequest.fromPartial({});
    const error = await failure(rpc((done) => daemon.engines.createAliRtcEngine(request, done)));
    assert.ok(error !== undefined, 'it was admitted');
    assert.equal(error.code, status.RESOURCE_EXHAUSTED);
    const info = errorInfoOf(error);
    assert.equal(info?.reason, 'NODE_FULL');
    assert.deepEqual([info.metadata['cost_ms'], info.metadata['capacity_ms']], ['4', '3']);
    assert.equal(retryDelayMsOf(error), 5000);
    assert.equal((await metricsOf(scene)).value('alirtcd_admission_refusals_total', { what: 'engine' }), 1);
    assert.equal((await statusOf(scene)).engines, 0);
  });

  it('refuses the subscription that would be too much, and leaves what is there alone', async () => {
    scene = await start(2000);
    const { daemon } = scene;
    const { engineId, core } = await scene.joined('bot');
    let [admitted, refused]: [number, ServiceError | undefined] = [0, undefined];
    for (let user = 0; user < 60 && refused === undefined; user += 1) {
      const uid = `user${user}`;
      core.send('REMOTE_USER_ONLINE', { uid });
      const request = SubscribeRemoteVideoStreamRequest.fromPartial({
        engineId,
        uid,
        videoTrack: VideoTrack.CAMERA,
        sub: true,
      });
      refused = await failure(rpc((done) => daemon.engines.subscribeRemoteVideoStream(request, done)));
      if (refused === undefined) admitted += 1;
    }
    // 39 ms/s each, and what is measured meanwhile.
    assert.ok(admitted >= 5 && admitted <= 51, `${admitted} were admitted`);
    assert.deepEqual(
      [refused?.code, refused && errorInfoOf(refused)?.reason],
      [status.RESOURCE_EXHAUSTED, 'NODE_FULL'],
    );
    const { load, engines } = await statusOf(scene);
    assert.equal(engines, 1);
    assert.equal(load?.capacityMs, 2000);
    assert.ok((load.engines[0]?.loadMs ?? 0) > 100, JSON.stringify(load));
    const metrics = await metricsOf(scene);
    assert.equal(metrics.value('alirtcd_capacity_cores'), 2);
    assert.ok((metrics.value('alirtcd_load_ratio') ?? 0) > 0.1);
    const health = (await (await fetch(`${daemon.ready.http ?? ''}/healthz`)).json()) as Record<string, number>;
    assert.equal(health['capacityMs'], 2000);
    assert.ok((health['freeMs'] ?? 2000) < 1900);
  });
});
