import assert from 'node:assert/strict';
import type { Demand } from '../../../coreservice/ipc/extension.js';
import { EMPTY_DEMAND } from '../../../coreservice/ipc/extension.js';
import { demandOf } from '../../../daemon/media/demand.js';
import type { Selection } from '../../../daemon/media/demand.js';
import type { FrameMessage } from '../../../daemon/media/frame_message.js';
import { serializeFrame } from '../../../daemon/media/frame_message.js';
import { MAX_STREAMS, MediaHub } from '../../../daemon/media/media_hub.js';
import { OnRemoteVideoSampleResponse } from '../../../gen/alirtc/v1/media.js';
import { FakeClock } from './fake_clock.js';
import { frame } from './frames.js';

function selection(
  kind: Selection['kind'],
  options: { uids?: string[]; tracks?: number[]; rate?: number } = {},
): Selection {
  const { uids = [], tracks = [], rate = 48000 } = options;
  return { kind, uids: new Set(uids), tracks: new Set(tracks), shape: { sampleRate: rate, channels: 1 } };
}

const ROWS: { title: string; selections: Selection[]; demand: Partial<Demand> }[] = [
  { title: 'nothing when no stream is open', selections: [], demand: {} },
  {
    title: 'everybody and every track for a stream that names none',
    selections: [selection('pictures')],
    demand: { pictures: [{ uid: '*', track: -1 }] },
  },
  {
    title: 'every user and track that is named, once',
    selections: [
      selection('encoded', { uids: ['a', 'b'], tracks: [0, 3] }),
      selection('encoded', { uids: ['a'], tracks: [0] }),
    ],
    demand: {
      encoded: [
        { uid: 'a', track: 0 },
        { uid: 'a', track: 3 },
        { uid: 'b', track: 0 },
        { uid: 'b', track: 3 },
      ],
    },
  },
  {
    title: 'nothing that everybody covers',
    selections: [selection('pictures', { uids: ['a'] }), selection('pictures')],
    demand: { pictures: [{ uid: '*', track: -1 }] },
  },
  {
    title: 'each shape of sound once',
    selections: [
      selection('audio'),
      selection('audio', { uids: ['a'] }),
      selection('audio', { uids: ['a'], rate: 16000 }),
    ],
    demand: {
      audio: [
        { uid: '*', sampleRate: 48000, channels: 1 },
        { uid: 'a', sampleRate: 16000, channels: 1 },
      ],
    },
  },
  {
    title: 'mixed sound and AAC',
    selections: [selection('mixed'), selection('mixed'), selection('mixedAac'), selection('audioAac', { uids: ['a'] })],
    demand: { mixed: [{ sampleRate: 48000, channels: 1 }], mixedAac: true, audioAac: [{ uid: 'a' }] },
  },
];

describe('the demand', () => {
  for (const { title, selections, demand } of ROWS)
    it(`is ${title}`, () => assert.deepEqual(demandOf(selections), { ...EMPTY_DEMAND, ...demand }));
});

describe('the media hub', () => {
  function make() {
    const demands: Demand[] = [];
    const keyFrames: string[] = [];
    const clock = new FakeClock();
    const hub = new MediaHub(
      {
        demand: (demand) => demands.push(demand),
        requestKeyFrame: (uid) => keyFrames.push(uid),
        readPicture: (reference) => (reference.generation === 1 ? Buffer.from('from the ring') : undefined),
      },
      clock,
    );
    const open = (wanted: Selection, queueFrames = 10) => {
      const got: FrameMessage[] = [];
      const stream = { got, ended: false, error: undefined as Error | undefined, close: () => undefined as void };
      stream.close = hub.open(wanted, queueFrames, {
        write: (message, done) => {
          got.push(message);
          done();
        },
        end: (error) => Object.assign(stream, { ended: true, error }),
      });
      return stream;
    };
    return { hub, demands, keyFrames, clock, open };
  }

  it('asks at once for a key frame of the tracks that flow already when one more stream of them opens', () => {
    const { hub, keyFrames, open } = make();
    open(selection('encoded'));
    hub.deliver(frame(1, { keyFrame: true }));
    hub.deliver(frame(2));
    assert.deepEqual(keyFrames, []);
    open(selection('encoded', { uids: ['bernd'] }));
    open(selection('pictures'));
    assert.deepEqual(keyFrames, []);
    open(selection('encoded', { uids: ['anna'], tracks: [0] }));
    assert.deepEqual(keyFrames, ['anna']);
    hub.forgetUser('anna');
    open(selection('encoded'));
    assert.deepEqual(keyFrames, ['anna']);
  });

  it('gives each stream what it selected', () => {
    const { hub, open } = make();
    const all = open(selection('pictures'));
    const ben = open(selection('pictures', { uids: ['ben'] }));
    const screen = open(selection('pictures', { tracks: [3] }));
    const sound = open(selection('audio', { rate: 16000 }));
    hub.deliver(frame(1, { kind: 'pictures' }));
    hub.deliver(frame(1, { kind: 'pictures', uid: 'ben', track: 3 }));
    hub.deliver(frame(1, { kind: 'audio', sampleRate: 48000, channels: 1 }));
    hub.deliver(frame(1, { kind: 'audio', sampleRate: 16000, channels: 1 }));
    assert.deepEqual(
      [all, ben, screen, sound].map(({ got }) => got.length),
      [2, 1, 1, 1],
    );
  });

  it('gives the sound of a core that knows no demands to every stream, whatever its shape', () => {
    const { hub, open } = make();
    const stream = open(selection('mixed', { rate: 16000 }));
    hub.deliver({ ...frame(0, { kind: 'mixed', sampleRate: 48000, channels: 2 }), coreSequence: undefined });
    assert.equal(stream.got.length, 1);
  });

  it('counts the gaps in the numbers of the core as drops, for each user', () => {
    const { hub, open } = make();
    const stream = open(selection('pictures'));
    for (const [uid, at] of [
      ['a', 5],
      ['b', 9],
      ['a', 8],
      ['b', 10],
      ['a', 1],
      ['a', 2],
    ] as const)
      hub.deliver(frame(at, { kind: 'pictures', uid }));
    assert.deepEqual(
      stream.got.map(({ sequence, droppedBefore }) => [sequence, droppedBefore]),
      [
        [1, 0],
        [2, 0],
        [5, 2],
        [6, 0],
        [7, 0],
        [8, 0],
      ],
    );
  });

  it('tells the core the demand once for all that changed together', async () => {
    const { demands, open } = make();
    const first = open(selection('pictures'));
    open(selection('mixed'));
    await Promise.resolve();
    assert.equal(demands.length, 1);
    first.close();
    await Promise.resolve();
    assert.deepEqual(demands[1], { ...EMPTY_DEMAND, mixed: [{ sampleRate: 48000, channels: 1 }] });
  });

  it('asks for a key frame once, and again when it does not come', () => {
    const { hub, keyFrames, clock, open } = make();
    open(selection('encoded'));
    for (let at = 1; at <= 5; at += 1) hub.deliver(frame(at));
    assert.deepEqual(keyFrames, ['anna']);
    clock.advance(600);
    hub.deliver(frame(6));
    assert.deepEqual(keyFrames, ['anna', 'anna']);
  });

  it('ends its streams with the engine, and those that open later at once', () => {
    const { hub, open } = make();
    const stream = open(selection('pictures'));
    const error = new Error('the core died');
    hub.end(error);
    assert.deepEqual([stream.ended, stream.error], [true, error]);
    assert.equal(open(selection('pictures')).ended, true);
    assert.equal(hub.size, 0);
  });

  it('refuses more streams than it allows', () => {
    const { open } = make();
    for (let at = 0; at < MAX_STREAMS; at += 1) open(selection('mixed'));
    assert.throws(() => open(selection('mixed')), { class: 'resource_exhausted' });
  });

  it('reads a picture out of shared memory for those that do not do it themselves', () => {
    const { hub, open } = make();
    const local = open({ ...selection('pictures'), local: true });
    const remote = open(selection('pictures'));
    const inRing = (at: number, generation: number) => {
      const ring = { path: '/proc/1/fd/1', offset: 0, length: 13, generation };
      return { ...frame(at, { kind: 'pictures', bytes: 0 }), ring, local: frame(at, { kind: 'pictures', bytes: 0 }) };
    };
    hub.deliver(inRing(1, 1));
    hub.deliver(inRing(2, 0));
    hub.deliver(inRing(3, 1));
    assert.deepEqual(
      local.got.map((message) => message.frame.payload.length),
      [0, 0, 0],
    );
    assert.deepEqual(
      remote.got.map((message) => [String(message.frame.payload), message.droppedBefore]),
      [
        ['from the ring', 0],
        ['from the ring', 1],
      ],
    );
  });
});

describe('a serialized frame', () => {
  it('is what the generated code writes, byte by byte', () => {
    const message = OnRemoteVideoSampleResponse.fromPartial({
      header: { sequence: 300, captureTimeUs: 1_700_000_000_000_000, droppedBefore: 7, discontinuity: true },
      uid: 'anna',
      width: 640,
      height: 360,
      sliceType: -1,
      data: Buffer.alloc(5000, 9),
    });
    const body = OnRemoteVideoSampleResponse.encode({
      ...message,
      header: undefined,
      data: new Uint8Array(0),
    }).finish();
    const written = serializeFrame({
      sequence: 300,
      droppedBefore: 7,
      discontinuity: true,
      frame: { ...frame(1), captureTimeUs: 1_700_000_000_000_000, body, payload: Buffer.from(message.data) },
    });
    const expected = Buffer.from(OnRemoteVideoSampleResponse.encode(message).finish());
    // grpc-js puts five bytes of its own in front.
    const target = Buffer.alloc(written.byteLength + 5);
    written.copy(target, 5);
    assert.deepEqual(target.subarray(5), expected);
  });
});
