import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { LayerDemand } from '../../../channelserver/forward/layer_demand.js';

describe('The demand for layers', () => {
  let told: number[];
  let demand: LayerDemand;
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    told = [];
    demand = new LayerDemand(3, (highest) => told.push(highest));
  });
  afterEach(() => {
    demand.close();
    mock.timers.reset();
  });

  it('is told to the publisher at once when it rises, after five seconds when it falls', () => {
    demand.update(0);
    assert.deepEqual(told, []);
    mock.timers.tick(5000);
    assert.deepEqual(told, [0]);
    demand.update(2);
    assert.deepEqual(told, [0, 2]);
  });

  it('is not told when it falls for a moment only', () => {
    demand.update(-1);
    mock.timers.tick(4000);
    demand.update(2);
    mock.timers.tick(10_000);
    assert.deepEqual(told, []);
  });

  it('is told as it is when the time is up, not as it was when it began to fall', () => {
    demand.update(1);
    mock.timers.tick(3000);
    demand.update(-1);
    mock.timers.tick(2000);
    assert.deepEqual(told, [-1]);
  });

  it('is told nobody after the end', () => {
    demand.update(0);
    demand.close();
    mock.timers.tick(10_000);
    demand.update(2);
    assert.deepEqual(told, []);
  });
});
