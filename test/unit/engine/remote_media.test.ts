import assert from 'node:assert/strict';
import type { AudioPacket } from '../../../coreservice/rtc/types.js';
import { settle } from './fake_clock.js';
import { ScriptedEngine } from './scripted_engine.js';
import type { ScriptedAudioTrack, ScriptedVideoTrack } from './scripted_room.js';
import { key, unit } from './encoded_units.js';

/** The timer that runs in every channel. */
const STATISTICS = 1;
const ALL_VIDEO = [{ uid: '*', track: -1 }];

async function watching(demand: object, config: object = {}): Promise<[ScriptedEngine, ScriptedVideoTrack]> {
  const host = new ScriptedEngine();
  if (Object.keys(demand).length > 0) await host.demand(demand);
  host.onRoom = (room) => {
    room.add('alice');
    room.publish('alice', 'camera');
  };
  await host.join({ subscribeMode: 0, ...config });
  const track = host.room.deliverVideo('alice');
  host.take();
  return [host, track];
}

function frames(host: ScriptedEngine, name: string): { number: number; sequence: number }[] {
  return host
    .take()
    .filter((told) => told.name === name)
    .map(({ payload, fields }) => ({
      number: payload?.[0] ?? -1,
      sequence: (fields['alirtcd'] as { sequence: number }).sequence,
    }));
}

describe('a subscribed camera', () => {
  it('is Subscribed, with its stream type, when its first unit has come', async () => {
    const [host, track] = await watching({});
    await host.clock.pass(250);
    track.emit('unit', key(1));
    track.emit('unit', unit(2));
    assert.deepEqual(host.lines(), ['alice camera: Subscribing>Subscribed', 'alice type: None>High']);
  });

  it('is not decoded while nobody wants pictures', async () => {
    const [host, track] = await watching({ encoded: ALL_VIDEO });
    track.emit('unit', key(1));
    await settle();
    assert.equal(host.codecs.decoders, 0);
    assert.deepEqual(frames(host, 'ENCODED_VIDEO_SAMPLE'), [{ number: 1, sequence: 1 }]);
  });

  it('is described with its encoded samples', async () => {
    const [host, track] = await watching({ encoded: ALL_VIDEO });
    track.emit('unit', key(30, { codec: 'vp8' }));
    const [, , sample] = host.take();
    assert.deepEqual(sample?.fields, {
      uid: 'alice',
      track: 0,
      type: 1,
      frame_ms: 1000,
      width: 640,
      height: 480,
      frame_num: 1,
      alirtcd: { sequence: 1, captureTimeUs: 30_000, keyFrame: true, codec: 'vp8' },
    });
  });

  it('begins with a key frame for who begins to watch, and asks for one', async () => {
    const [host, track] = await watching({});
    track.emit('unit', key(1));
    await host.demand({ encoded: ALL_VIDEO, pictures: ALL_VIDEO });
    assert.equal(track.keyFrameRequests, 1);
    for (const one of [unit(2), key(3), unit(4)]) track.emit('unit', one);
    await settle();
    const told = host.take();
    for (const name of ['ENCODED_VIDEO_SAMPLE', 'DECODED_VIDEO_FRAME'])
      assert.deepEqual(
        told.filter((one) => one.name === name).map(({ payload }) => payload?.[0]),
        [3, 4],
        name,
      );
  });

  it('after a loss goes on with a key frame, which is asked for', async () => {
    const [host, track] = await watching({ encoded: ALL_VIDEO, pictures: ALL_VIDEO });
    const asked = track.keyFrameRequests;
    for (const one of [key(1), unit(2), unit(4, { afterLoss: true }), unit(5), key(6), unit(7)]) {
      track.emit('unit', one);
      await settle();
    }
    assert.ok(track.keyFrameRequests > asked);
    const told = host.take();
    for (const name of ['ENCODED_VIDEO_SAMPLE', 'DECODED_VIDEO_FRAME'])
      assert.deepEqual(
        told.filter((one) => one.name === name).map(({ payload }) => payload?.[0]),
        [1, 2, 6, 7],
        name,
      );
  });

  it('that comes faster than it can be decoded skips to a key frame and shows the gap', async () => {
    const [host, track] = await watching({ pictures: ALL_VIDEO });
    let open = (): void => undefined;
    host.codecs.decodeGate = new Promise((resolve) => (open = resolve));
    track.emit('unit', key(0));
    await settle();
    for (let i = 1; i <= 12; i++) track.emit('unit', unit(i));
    assert.ok(track.keyFrameRequests > 1);
    track.emit('unit', key(13));
    open();
    await settle();
    assert.deepEqual(frames(host, 'DECODED_VIDEO_FRAME'), [
      { number: 0, sequence: 9 },
      { number: 13, sequence: 10 },
    ]);
  });

  it('that cannot be decoded goes on with a key frame', async () => {
    const [host, track] = await watching({ pictures: ALL_VIDEO });
    host.codecs.onDecode = (data) => {
      if (data[0] === 2) throw new Error('damaged');
    };
    for (const one of [key(1), unit(2), unit(3), key(4)]) {
      track.emit('unit', one);
      await settle();
    }
    assert.deepEqual(
      frames(host, 'DECODED_VIDEO_FRAME').map(({ number }) => number),
      [1, 4],
    );
  });

  it('closes its decoder when nobody wants pictures any more', async () => {
    const [host, track] = await watching({ pictures: ALL_VIDEO });
    track.emit('unit', key(1));
    await settle();
    assert.equal(host.codecs.openDecoders, 1);
    await host.demand({});
    assert.equal(host.codecs.openDecoders, 0);
  });

  it('gives at most one picture a period', async () => {
    const [host, track] = await watching({ pictures: ALL_VIDEO });
    host.send('SET_VIDEO_CALLBACK_PERIOD', { period: 100 });
    track.emit('unit', key(0));
    for (let i = 1; i < 20; i++) {
      await host.clock.pass(25);
      track.emit('unit', unit(i));
    }
    await settle();
    assert.deepEqual(
      frames(host, 'DECODED_VIDEO_FRAME').map(({ number }) => number),
      [0, 4, 8, 12, 16],
    );
  });

  it('loses frames, counted, and goes on with a key frame when the host does not read; what is no frame is still told', async () => {
    const [host, track] = await watching({ encoded: ALL_VIDEO });
    track.emit('unit', key(1));
    host.writableLength = 9 << 20;
    track.emit('unit', unit(2));
    host.room.join('bob');
    host.writableLength = 0;
    track.emit('unit', unit(3));
    track.emit('unit', key(4));
    const told = host.take();
    assert.ok(told.some(({ name }) => name === 'REMOTE_USER_ONLINE'));
    assert.deepEqual(
      told
        .filter(({ name }) => name === 'ENCODED_VIDEO_SAMPLE')
        .map(({ fields }) => (fields['alirtcd'] as { sequence: number }).sequence),
      [1, 3],
    );
  });

  const rows: [title: string, extra: object, videoFormat: number, pictures: boolean, encoded: boolean][] = [
    ['pictures by default', {}, 1, true, false],
    ['nothing for VideoFormat None', {}, 0, false, false],
    ['encoded samples for observer codec 1', { user_specified_video_observer_codec: 1 }, 1, false, true],
    ['both for observer codec "2"', { user_specified_video_observer_codec: '2' }, 1, true, true],
  ];
  for (const [title, extra, subscribeVideoFormat, pictures, encoded] of rows)
    it(`without any demand gives ${title}`, async () => {
      const host = new ScriptedEngine();
      host.send('CREATE_RTC_ENGINE', { logPath: '', h5mode: false, extra: JSON.stringify(extra) });
      await host.join({ subscribeMode: 0, subscribeVideoFormat });
      host.room.join('alice');
      host.room.publish('alice', 'camera');
      const track = host.room.deliverVideo('alice');
      track.emit('unit', key(1));
      await settle();
      const names = host.take().map(({ name }) => name);
      assert.deepEqual(
        [names.includes('DECODED_VIDEO_FRAME'), names.includes('ENCODED_VIDEO_SAMPLE')],
        [pictures, encoded],
      );
    });
});

describe('subscribing', () => {
  const modes: [mode: number, subscribed: string[]][] = [
    [0, ['alice-microphone', 'alice-camera', 'alice-screen']],
    [1, []],
    [2, ['alice-microphone']],
    [3, ['alice-camera']],
  ];
  for (const [mode, subscribed] of modes)
    it(`in mode ${mode} takes ${subscribed.join(', ') || 'nothing'}`, async () => {
      const host = new ScriptedEngine();
      await host.join({ subscribeMode: mode });
      host.room.join('alice');
      for (const source of ['microphone', 'camera', 'screen'] as const) host.room.publish('alice', source);
      assert.deepEqual(
        host.room.asked.filter((asked) => asked.startsWith('subscribe')),
        subscribed.map((sid) => `subscribe ${sid}`),
      );
    });

  it('by user goes before the mode, also for a user that comes later', async () => {
    const host = new ScriptedEngine();
    await host.join({ subscribeMode: 0 });
    host.send('SUBSCRIBE_REMOTE_VIDEO_STREAM', { uid: 'alice', videoTrack: 3, sub: false });
    host.room.join('alice');
    host.room.publish('alice', 'camera');
    host.room.publish('alice', 'microphone');
    host.lines();
    host.send('SUBSCRIBE_REMOTE_AUDIO_STREAM', {
      uid: 'alice',
      sub: false,
      denoise: false,
      voiceprint: false,
      asrvad: false,
      bind: false,
    });
    host.send('SUBSCRIBE_REMOTE_VIDEO_STREAM', { uid: 'alice', videoTrack: 1, sub: true });
    host.send('SUBSCRIBE_REMOTE_VIDEO_STREAM', { uid: 'alice', videoTrack: 0, sub: false });
    assert.deepEqual(host.lines(), ['alice audio: Subscribing>NoSubscribe', 'alice camera: Idle>Subscribing']);
    assert.deepEqual(host.room.asked.slice(-3), [
      'subscribe alice-microphone',
      'unsubscribe alice-microphone',
      'subscribe alice-camera',
    ]);
  });

  it('before the join is refused by name', () => {
    const host = new ScriptedEngine();
    host.send('SUBSCRIBE_REMOTE_VIDEO_STREAM', { uid: 'alice', videoTrack: 1, sub: true });
    assert.deepEqual(host.lines(), ['error 16844112 ERR_SUBSCRIBE_NOT_JOIN_CHANNEL']);
  });

  it('that the server refuses goes to NoSubscribe with its error', async () => {
    const [host] = await watching({});
    host.room.emit('subscription_failed', 'alice-camera', 'no codec');
    assert.deepEqual(host.lines(), [
      'alice camera: Subscribing>NoSubscribe',
      'error 16844114 ERR_SUBSCRIBE_VIDEO_STREAM_FAILED',
    ]);
  });

  it('of the small stream is asked for when the sender has one, by user or by default', async () => {
    const host = new ScriptedEngine();
    host.send('SET_REMOTE_DEFAULT_VIDEO_STREAM_TYPE', { streamType: 2 });
    await host.join({ subscribeMode: 0 });
    host.room.join('alice');
    host.room.publish('alice', 'camera', { simulcast: true });
    host.room.join('bob');
    host.room.publish('bob', 'camera');
    host.send('SET_REMOTE_VIDEO_STREAM_TYPE', { uid: 'alice', streamType: 1 });
    assert.deepEqual(
      host.room.asked.filter((asked) => asked.startsWith('quality')),
      ['quality alice-camera low', 'quality alice-camera high'],
    );
  });
});

function packet(number: number, value: number, arrivalMs: number): AudioPacket {
  return {
    // The configuration of 20 ms of full-band sound.
    payload: Buffer.from([0xf8, value, 1, 1]),
    sequence: number,
    timestamp: number * 960,
    captureTimeUs: 5_000_000 + number * 20_000,
    arrivalMs,
  };
}

async function hearing(demand: object, users: string[]): Promise<[ScriptedEngine, ScriptedAudioTrack[]]> {
  const host = new ScriptedEngine();
  await host.demand(demand);
  await host.join({ subscribeMode: 0 });
  const tracks = users.map((uid) => {
    host.room.join(uid);
    host.room.publish(uid, 'microphone');
    return host.room.deliverAudio(uid);
  });
  host.take();
  return [host, tracks];
}

describe('subscribed sound', () => {
  it('is mixed from the join on, a frame every 10 ms, silence included', async () => {
    const [host] = await hearing({ mixed: [{ sampleRate: 48_000, channels: 1 }] }, []);
    await host.clock.pass(995);
    const mixed = host.take().filter(({ name }) => name === 'MIXED_AUDIO_FRAME');
    assert.equal(mixed.length, 100);
    assert.deepEqual(mixed[0]?.fields, {
      type: 0,
      frame_ms: 10,
      sample_rates: 48_000,
      samples: 480,
      channels: 1,
      sample_bits: 16,
      alirtcd: { sequence: 1, captureTimeUs: 1_000_000_000 },
    });
    assert.ok(mixed.every(({ payload }) => payload?.length === 960 && payload.every((byte) => byte === 0)));
  });

  it('of each user comes in the shapes that are wanted, and mixed', async () => {
    const demand = {
      audio: [
        { uid: 'alice', sampleRate: 16_000, channels: 1 },
        { uid: '*', sampleRate: 44_100, channels: 2 },
      ],
      mixed: [{ sampleRate: 8000, channels: 1 }],
    };
    const [host, tracks] = await hearing(demand, ['alice', 'bob']);
    for (let i = 0; i < 50; i++) {
      tracks[0]?.emit('packet', packet(i, 10, host.clock.nowMs()));
      tracks[1]?.emit('packet', packet(i, 20, host.clock.nowMs()));
      await host.clock.pass(20);
    }
    const last = host
      .take()
      .filter(({ payload }) => payload !== undefined)
      .slice(-4);
    assert.deepEqual(
      last.map(({ name, fields, payload }) => [
        name,
        fields['uid'],
        fields['sample_rates'],
        fields['channels'],
        fields['samples'],
        payload?.readInt16LE(0),
      ]),
      [
        ['REMOTE_AUDIO_FRAME', 'alice', 16_000, 1, 160, 10],
        ['REMOTE_AUDIO_FRAME', 'alice', 44_100, 2, 441, 10],
        ['REMOTE_AUDIO_FRAME', 'bob', 44_100, 2, 441, 20],
        ['MIXED_AUDIO_FRAME', undefined, 8000, 1, 80, 30],
      ],
    );
  });

  it('carries the capture time of its first sample', async () => {
    const [host, [track]] = await hearing({ audio: [{ uid: '*', sampleRate: 48_000, channels: 1 }] }, ['alice']);
    for (let i = 0; i < 20; i++) {
      track?.emit('packet', packet(i, 1, host.clock.nowMs()));
      await host.clock.pass(20);
    }
    const times = host
      .take()
      .filter(({ name }) => name === 'REMOTE_AUDIO_FRAME')
      .map(({ fields }) => (fields['alirtcd'] as { captureTimeUs: number }).captureTimeUs);
    assert.equal(times[0], 5_000_000);
    assert.ok(times.length > 20);
    assert.ok(times.every((time, i) => i === 0 || time - (times[i - 1] ?? 0) === 10_000));
  });

  it('tells the first packet and Subscribed though nobody listens, and is not decoded', async () => {
    const [host, [track]] = await hearing({}, ['alice']);
    await host.clock.pass(30);
    track?.emit('packet', packet(0, 1, 30));
    track?.emit('packet', packet(1, 1, 50));
    assert.deepEqual(host.lines(), [
      'FIRST_AUDIO_PACKET {"uid":"alice","timeCost":30}',
      'alice audio: Subscribing>Subscribed',
    ]);
    assert.equal(host.clock.timers, STATISTICS);
  });

  it('as AAC comes for each user and mixed', async () => {
    const [host, [track]] = await hearing({ audioAac: [{ uid: 'alice' }], mixedAac: true }, ['alice']);
    for (let i = 0; i < 50; i++) {
      track?.emit('packet', packet(i, 1, host.clock.nowMs()));
      await host.clock.pass(20);
    }
    const names = host.take().map(({ name }) => name);
    assert.equal(names.filter((name) => name === 'MIXED_AUDIO_AAC').length, 47);
    assert.ok(names.filter((name) => name === 'REMOTE_AUDIO_AAC').length >= 44);
  });

  it('makes up in one burst for what a stopped process missed, but not for more than half a second', async () => {
    const [host] = await hearing({ mixed: [{ sampleRate: 48_000, channels: 1 }] }, []);
    await host.clock.pass(5);
    host.take();
    host.clock.jump(300);
    await host.clock.pass(0);
    assert.equal(host.take().length, 30);
    host.clock.jump(60_000);
    await host.clock.pass(0);
    assert.equal(host.take().length, 50);
  });

  it('waits while the host does not read, and then loses the oldest', async () => {
    const [host] = await hearing({ mixed: [{ sampleRate: 48_000, channels: 1 }] }, []);
    host.writableLength = 9 << 20;
    await host.clock.pass(2995);
    assert.equal(host.take().length, 0);
    host.writableLength = 0;
    await host.clock.pass(10);
    const sequences = host.take().map(({ fields }) => (fields['alirtcd'] as { sequence: number }).sequence);
    assert.deepEqual([sequences.length, sequences[0], sequences.at(-1)], [200, 102, 301]);
  });

  it('stops when nobody wants it any more, and when the channel is left', async () => {
    const [host] = await hearing({ mixed: [{ sampleRate: 48_000, channels: 1 }] }, ['alice']);
    await host.demand({});
    assert.equal(host.clock.timers, STATISTICS);
    await host.demand({ mixed: [{ sampleRate: 48_000, channels: 1 }] });
    assert.equal(host.clock.timers, STATISTICS + 1);
    host.send('LEAVE_CHANNEL', {});
    await settle();
    assert.equal(host.clock.timers, 0);
  });
});
