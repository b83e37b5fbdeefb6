import { strict as assert } from 'node:assert';
import { PortRange } from '../../../daemon/engine/port_range.js';
import type { PortRangeOptions } from '../../../daemon/engine/port_range.js';

function range(options: Partial<PortRangeOptions> = {}): PortRange {
  return new PortRange({ low: 100, high: 109, isFree: () => Promise.resolve(true), reserved: new Set(), ...options });
}

describe('the port range', () => {
  it('gives every port of the range once, both ends included, before it is full', async () => {
    const ports = range();
    const drawn = await Promise.all(Array.from({ length: 10 }, () => ports.draw()));
    assert.deepEqual(
      drawn.map(({ port }) => port).sort((a, b) => a - b),
      [100, 101, 102, 103, 104, 105, 106, 107, 108, 109],
    );
    await assert.rejects(ports.draw(), {
      class: 'resource_exhausted',
      message: 'no free local port from 100 to 109',
      metadata: { low_port: '100', high_port: '109' },
    });
  });

  it('gives a port again only when it was given back, however often that is said', async () => {
    const ports = range({ high: 100 });
    const first = await ports.draw();
    await assert.rejects(ports.draw());
    first.giveBack();
    const second = await ports.draw();
    assert.equal(second.port, 100);
    first.giveBack();
    await assert.rejects(ports.draw(), { class: 'resource_exhausted' });
  });

  it('shares what is reserved between ranges that overlap', async () => {
    const reserved = new Set<number>();
    const one = await range({ high: 100, reserved }).draw();
    await assert.rejects(range({ high: 100, reserved }).draw());
    const next = await range({ high: 101, reserved }).draw();
    assert.equal(next.port, 101);
    one.giveBack();
    assert.deepEqual([...reserved], [101]);
  });

  it('passes over ports that cannot be bound, and keeps none of them', async () => {
    const reserved = new Set<number>();
    const ports = range({ reserved, isFree: (port) => Promise.resolve(port === 107) });
    assert.equal((await ports.draw()).port, 107);
    assert.deepEqual([...reserved], [107]);
  });

  it('tries no port twice, and none after its last try', async () => {
    const tried: number[] = [];
    const isFree = (port: number): Promise<boolean> => Promise.resolve(tried.push(port) === 0);
    await assert.rejects(range({ high: 5000, maxTries: 1000, isFree }).draw());
    assert.equal(tried.length, 1000);
    assert.equal(new Set(tried).size, 1000);
    assert.ok(tried.every((port) => port >= 100 && port <= 5000));
  });

  it('draws at random: the first and the last port with the ends of the generator', async () => {
    assert.equal((await range({ random: () => 0 }).draw()).port, 100);
    assert.equal((await range({ random: () => 1 - Number.EPSILON }).draw()).port, 109);
  });

  const bad: [low: number, high: number, expected: RegExp][] = [
    [0, 10, /low_port is 0, must be a whole number from 1 to 65535/],
    [10, 65_536, /high_port is 65536/],
    [1.5, 10, /low_port is 1.5/],
    [45_000, 42_000, /low_port is 45000, must not be above high_port \(42000\)/],
  ];
  for (const [low, high, expected] of bad)
    it(`refuses ${low} to ${high}, naming the field`, () => {
      assert.throws(() => range({ low, high }), { class: 'invalid_argument', message: expected });
    });
});
