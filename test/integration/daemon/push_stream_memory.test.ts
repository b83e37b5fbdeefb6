import assert from 'node:assert/strict';
import { AlirtcClient } from '../../../client/index.js';
import { HeapMeter } from '../../soak/heap_meter.js';
import { inspectorUrl } from '../../soak/inspector.js';
import { eventually } from '../../support/eventually.js';
import { startDaemon } from '../../support/running_daemon.js';

const ROUND = 150;
/** Of one stream: what is kept of a call with its buffers is some 20 kB. */
const MOST_KB = 5;

describe('push streams of an engine that lives long', function () {
  this.timeout(120_000);

  it('leave nothing in memory when they have ended', async () => {
    await using daemon = await startDaemon({ env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } });
    await using client = await AlirtcClient.connect(daemon.address);
    await using engine = await client.createEngine();
    await engine.setExternalVideoSource(true);
    const round = async (): Promise<void> => {
      for (let index = 0; index < ROUND; index++) {
        const push = engine.videoPush();
        // The first answer grants credits: the stream is open.
        await eventually(() => (push.credits > 0 ? undefined : 'the stream is not open'));
        if (index % 2 === 0) push.cancel();
        else await push.end();
      }
    };
    const meter = await HeapMeter.open(inspectorUrl(daemon.log()) ?? '');
    await round();
    const before = await meter.read();
    await round();
    const after = await meter.read();
    meter.close();
    const grownKb = ((after.heapMb - before.heapMb) * 1000) / ROUND;
    assert.ok(grownKb < MOST_KB, `${grownKb.toFixed(1)} kB for each stream`);
  });
});
