import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { refused } from './refused.js';
import { TestBed } from './test_bed.js';
import { status } from '@grpc/grpc-js';

describe('faults: the daemon ends while engines are made', () => {
  it('the creations are UNAVAILABLE because the daemon stops, and nothing is logged as a defect', async () => {
    await using bed = await TestBed.open();
    const creations = [1, 2].map(() =>
      refused(bed.client.createEngine(), { code: status.UNAVAILABLE, reason: 'DAEMON_STOPS' }),
    );
    await eventually(() => (bed.footprint.children.length > 1 ? undefined : 'no core of the creations yet'));
    bed.daemon.child.kill('SIGTERM');
    await Promise.all(creations);
    assert.equal(await bed.daemon.stop(), 0);
    assert.deepEqual(
      bed.daemon.log().filter((line) => line.includes('"level":"error"')),
      [],
    );
  });
});
