import assert from 'node:assert/strict';
import { askedLayer, chooseLayer, orderRids } from '../../../channelserver/forward/layer_choice.js';
import type { LayerState } from '../../../channelserver/forward/layer_choice.js';

const layers = (...active: boolean[]): LayerState[] =>
  active.map((isActive, index) => ({ active: isActive, width: 320 * 2 ** index, height: 180 * 2 ** index }));
const quality = (value: number) => ({ quality: value, width: 0, height: 0 });

describe('The choice of a simulcast layer', () => {
  const rows = [
    { count: 1, quality: 0, asked: 0 },
    { count: 1, quality: 2, asked: 0 },
    { count: 2, quality: 0, asked: 0 },
    { count: 2, quality: 1, asked: 1 },
    { count: 2, quality: 2, asked: 1 },
    { count: 3, quality: 0, asked: 0 },
    { count: 3, quality: 1, asked: 1 },
    { count: 3, quality: 2, asked: 2 },
  ];
  for (const { count, quality: wanted, asked } of rows)
    it(`takes layer ${asked} of ${count} for quality ${wanted}`, () =>
      assert.equal(askedLayer(layers(...new Array<boolean>(count).fill(true)), quality(wanted)), asked));

  it('takes the lowest layer that is as large as asked for, the highest when none is', () => {
    const three = layers(true, true, true);
    assert.equal(askedLayer(three, { quality: 2, width: 300, height: 170 }), 0);
    assert.equal(askedLayer(three, { quality: 0, width: 640, height: 360 }), 1);
    assert.equal(askedLayer(three, { quality: 0, width: 4000, height: 3000 }), 2);
  });

  it('takes the highest for a size while sizes are not known, whatever the quality says', () => {
    const unknown = layers(true, true).map((layer) => ({ ...layer, width: 0, height: 0 }));
    assert.equal(askedLayer(unknown, { quality: 0, width: 640, height: 360 }), 1);
    assert.equal(askedLayer(unknown, { quality: 0, width: 160, height: 90 }), 1);
  });

  it('falls back to the nearest active layer below, then above, then none', () => {
    assert.equal(chooseLayer(layers(true, true, false), quality(2)), 1);
    assert.equal(chooseLayer(layers(true, false, false), quality(2)), 0);
    assert.equal(chooseLayer(layers(false, false, true), quality(0)), 2);
    assert.equal(chooseLayer(layers(false, false, false), quality(2)), -1);
    assert.equal(chooseLayer([], quality(2)), -1);
  });

  it("orders LiveKit's RIDs by their meaning and leaves others as they come", () => {
    assert.deepEqual(orderRids(['f', 'h', 'q']), ['q', 'h', 'f']);
    assert.deepEqual(orderRids(['h', 'q']), ['q', 'h']);
    assert.deepEqual(orderRids(['2', '1']), ['2', '1']);
  });
});
