import assert from 'node:assert/strict';
import { describeSample, verdictOf } from './report.js';
import { Soak } from './soak.js';

/** Fixed: what the engines do is the same each time, as far as the machine lets them. */
const SEED = 20;

describe('a short soak', function () {
  this.timeout(600_000);

  it('with a killed core, a killed client and a killed channel server leaves processes, ports, descriptors and memory as they were', async () => {
    const lines: string[] = [];
    const soak = new Soak({
      minutes: 0.4,
      engines: 3,
      seed: SEED,
      pace: { session: [4_000, 10_000], pause: [200, 800] },
      faultPeriod: [60_000, 60_000],
      strikes: [
        { kind: 'channelServerKilled', atShare: 0.25 },
        { kind: 'coreKilled', atShare: 0.5 },
        { kind: 'clientKilled', atShare: 0.75 },
      ],
      mortalClients: 1,
      sampleMs: 24_000,
      print: (line) => lines.push(line),
      onSample: (sample) => lines.push(describeSample(sample)),
    });
    const result = await soak.run();
    const { channelServerKilled, coreKilled, clientKilled } = result.faults;
    assert.deepEqual([channelServerKilled, coreKilled, clientKilled], [1, 1, 1], lines.join('\n'));
    assert.ok(result.anchorPictures > 0, lines.join('\n'));
    assert.deepEqual(verdictOf(result), [], lines.join('\n'));
  });
});
