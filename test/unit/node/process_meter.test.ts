import assert from 'node:assert/strict';
import { ProcessMeter } from '../../../daemon/node/process_meter.js';
import type { MeteredProcess } from '../../../daemon/node/process_meter.js';
import { FakeClock } from '../daemon/fake_clock.js';

describe('the meter of processes', () => {
  const clock = new FakeClock();
  const cpuMs = new Map<number, number>();
  const family: MeteredProcess[] = [{ kind: 'daemon', processId: 1, engineId: '' }];
  const read = (processId: number) =>
    Promise.resolve({ residentBytes: 1000 * processId, cpuTimeUs: 1000 * (cpuMs.get(processId) ?? 0) });
  const meter = new ProcessMeter(() => family, read, clock);
  const goOn = async (used: Record<number, number>, seconds = 2): Promise<void> => {
    for (const [processId, ms] of Object.entries(used))
      cpuMs.set(Number(processId), (cpuMs.get(Number(processId)) ?? 0) + ms);
    clock.advance(seconds * 1000);
    await meter.sample();
  };

  it('tells the load in ms for each second, and CPU since the daemon started', async () => {
    cpuMs.set(1, 500);
    await meter.sample();
    assert.equal(meter.figures('daemon').loadMs, 0);
    await goOn({ 1: 100 });
    assert.deepEqual(meter.figures('daemon'), { residentBytes: 1000, cpuSeconds: 0.6, loadMs: 50 });
  });

  it('knows the load of a core when it has run for a whole window', async () => {
    family.push({ kind: 'core', processId: 2, engineId: 'a' });
    cpuMs.set(2, 200);
    await meter.sample();
    for (let round = 0; round < 4; round += 1) await goOn({ 2: 160 });
    assert.equal(meter.coreLoadMs('a'), undefined);
    await goOn({ 2: 160 });
    assert.equal(Math.round(meter.coreLoadMs('a') ?? 0), 80);
  });

  it('keeps what ended processes have used, and not their memory and load', async () => {
    const { cpuSeconds } = meter.figures('core');
    assert.equal(cpuSeconds, 1);
    family.pop();
    await goOn({});
    assert.deepEqual(meter.figures('core'), { residentBytes: 0, cpuSeconds: 1, loadMs: 0 });
    assert.equal(meter.coreLoadMs('a'), undefined);
  });
});
