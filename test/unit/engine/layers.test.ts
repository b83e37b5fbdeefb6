import assert from 'node:assert/strict';
import type { EncodedUnit } from '../../../coreservice/rtc/types.js';
import { settle } from './fake_clock.js';
import { ScriptedEngine } from './scripted_engine.js';
import type { ScriptedVideoTrack } from './scripted_room.js';

const LARGE = { width: 640, height: 480 };
const SMALL = { width: 320, height: 240 };

function unit(number: number, size: { width: number; height: number }, keyFrame = false): EncodedUnit {
  return {
    codec: 'h264',
    data: Buffer.from([number]),
    keyFrame,
    ...size,
    timestamp: number * 3000,
    captureTimeUs: number * 1000,
    afterLoss: false,
  };
}

/** Alice's camera has two layers, its large one is announced as LARGE and has begun. */
async function watching(): Promise<[ScriptedEngine, ScriptedVideoTrack]> {
  const host = new ScriptedEngine();
  await host.demand({ pictures: [{ uid: '*', track: -1 }] });
  await host.join({ subscribeMode: 0 });
  host.room.join('alice');
  host.room.publish('alice', 'camera', { simulcast: true });
  const track = host.room.deliverVideo('alice');
  track.emit('unit', unit(0, LARGE, true));
  await settle();
  host.take();
  return [host, track];
}

function types(host: ScriptedEngine): string[] {
  return host.lines().filter((line) => line.includes(' type: '));
}

describe('layers of a remote camera', () => {
  it('are told apart by size, and pictures that wait for the decoder keep the kind they came by', async () => {
    const [host, track] = await watching();
    let open = (): void => undefined;
    host.codecs.decodeGate = new Promise((resolve) => (open = resolve));
    track.emit('unit', unit(1, LARGE));
    track.emit('unit', unit(2, LARGE));
    host.send('SET_REMOTE_VIDEO_STREAM_TYPE', { uid: 'alice', streamType: 2 });
    track.emit('unit', unit(3, SMALL, true));
    open();
    await settle();
    const kinds = host
      .take()
      .filter(({ name }) => name === 'DECODED_VIDEO_FRAME')
      .map(({ payload, fields }) => [payload?.[0], fields['track']]);
    assert.deepEqual(kinds, [
      [1, 0],
      [2, 0],
      [3, 1],
    ]);
  });

  it('are not mixed up when the large one becomes small: the word of its new size may come a moment later', async () => {
    const [host, track] = await watching();
    track.emit('unit', unit(1, SMALL, true));
    await host.clock.pass(900);
    track.emit('unit', unit(2, SMALL));
    Object.assign(host.room.participants.get('alice')?.publications.get('alice-camera') ?? {}, SMALL);
    track.emit('unit', unit(3, SMALL));
    await host.clock.pass(2000);
    track.emit('unit', unit(4, SMALL, true));
    assert.deepEqual(types(host), []);
  });

  it('change without having been asked for when the server has only the other one, which is told after a second', async () => {
    const [host, track] = await watching();
    track.emit('unit', unit(1, SMALL, true));
    await host.clock.pass(999);
    track.emit('unit', unit(2, SMALL));
    assert.deepEqual(types(host), []);
    await host.clock.pass(1);
    track.emit('unit', unit(3, SMALL));
    assert.deepEqual(types(host), ['alice type: High>Low']);
  });
});
