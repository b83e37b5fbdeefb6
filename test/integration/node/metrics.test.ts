import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ReleaseRequest } from '../../../gen/alirtc/v1/engine.js';
import { OnRemoteVideoSampleRequest } from '../../../gen/alirtc/v1/media.js';
import { eventually } from '../../support/eventually.js';
import { rpc } from '../../support/rpc.js';
import { Scene } from '../daemon/scene.js';
import { readMetrics } from './metrics_text.js';

const PROMTOOL = process.env['PROMTOOL'] ?? '/usr/bin/promtool';

describe('the metrics of the daemon', function () {
  this.timeout(60_000);
  let scene: Scene;
  const url = (path: string): string => `${scene.daemon.ready.http ?? ''}${path}`;
  const read = async () => readMetrics(await (await fetch(url('/metrics'))).text());
  before(async () => {
    scene = await Scene.start({ flags: ['--http-listen', '127.0.0.1:0', '--console', 'off'] });
  });
  after(() => scene.close());

  it('are there, as is the health page, when the console is off', async () => {
    assert.equal(scene.daemon.ready.console, undefined);
    assert.equal((await fetch(url('/'))).status, 404);
    const health = await fetch(url('/healthz'));
    const answer = (await health.json()) as Record<string, unknown>;
    assert.deepEqual([health.status, answer['status'], answer['draining']], [200, 'SERVING', false]);
    const response = await fetch(url('/metrics'));
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  });

  it('follow engines from their creation to their end', async () => {
    const idle = await scene.engine();
    const joined = await scene.joined('counted');
    const metrics = await read();
    assert.equal(metrics.value('alirtcd_engines', { state: 'ready' }), 1);
    assert.equal(metrics.value('alirtcd_engines', { state: 'joined' }), 1);
    assert.equal(metrics.value('alirtcd_engine_create_duration_seconds_count'), 2);
    assert.equal(metrics.value('alirtcd_channel_join_duration_seconds_count', { result: 'ok' }), 1);
    for (const { engineId } of [idle, joined])
      await rpc((done) => scene.daemon.engines.release(ReleaseRequest.fromPartial({ engineId }), done));
    const later = await read();
    assert.equal(later.value('alirtcd_engines', { state: 'joined' }), 0);
    assert.equal(later.value('alirtcd_engines_ended_total', { cause: 'released' }), 2);
  });

  it("count calls under OpenTelemetry's names, by method and status", async () => {
    const labels = { rpc_system_name: 'grpc', rpc_method: 'alirtc.v1.EngineService/GetEngine' };
    await assert.rejects(rpc((done) => scene.daemon.engines.getEngine({ engineId: 'nobody' }, done)));
    await rpc((done) => scene.daemon.engines.listEngines({}, done));
    const metrics = await read();
    const name = 'rpc_server_call_duration_seconds_count';
    assert.equal(metrics.value(name, { ...labels, rpc_response_status_code: 'NOT_FOUND' }), 1);
    const list = { ...labels, rpc_method: 'alirtc.v1.EngineService/ListEngines', rpc_response_status_code: 'OK' };
    assert.equal(metrics.value(name, list), 1);
  });

  it('count a stream when its client leaves it, as CANCELLED, and as open until then', async () => {
    const { engineId } = await scene.engine();
    const call = scene.daemon.media.onRemoteVideoSample(OnRemoteVideoSampleRequest.fromPartial({ engineId }));
    call.on('error', () => undefined).resume();
    const rpc_method = 'alirtc.v1.MediaService/OnRemoteVideoSample';
    await eventually(async () =>
      (await read()).value('alirtcd_grpc_running_calls', { rpc_method }) === 1 ? undefined : 'no open call',
    );
    assert.equal((await read()).value('alirtcd_media_streams', { kind: 'pictures' }), 1);
    call.cancel();
    await eventually(async () => {
      const metrics = await read();
      const count = metrics.value('rpc_server_call_duration_seconds_count', {
        rpc_system_name: 'grpc',
        rpc_method,
        rpc_response_status_code: 'CANCELLED',
      });
      const open = metrics.value('alirtcd_grpc_running_calls', { rpc_method });
      return count === 1 && open === 0 ? undefined : `${count} counted, ${open} open`;
    });
  });

  it('tell what the processes use', async () => {
    await scene.engine();
    await eventually(async () => {
      const metrics = await read();
      const memory = metrics.value('alirtcd_process_resident_memory_bytes', { process: 'core' }) ?? 0;
      return memory > 1_000_000 ? undefined : `cores have ${memory} bytes`;
    }, 15_000);
    const metrics = await read();
    assert.ok((metrics.value('alirtcd_process_cpu_seconds_total', { process: 'daemon' }) ?? 0) > 0.05);
    assert.ok((metrics.value('alirtcd_process_resident_memory_bytes', { process: 'daemon' }) ?? 0) > 10_000_000);
  });

  it("pass the checks of Prometheus' own tool", async function () {
    if (!existsSync(PROMTOOL)) {
      console.log(`      skipped: no ${PROMTOOL}; install Debian's package prometheus`);
      this.skip();
    }
    const input = await (await fetch(url('/metrics'))).text();
    const { status, stdout, stderr } = spawnSync(PROMTOOL, ['check', 'metrics'], { input, encoding: 'utf8' });
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
  });
});
