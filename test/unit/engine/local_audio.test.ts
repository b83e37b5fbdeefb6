import assert from 'node:assert/strict';
import { ERROR_NUMBERS } from '../../../common/error_codes.js';
import { settle } from './fake_clock.js';
import { ScriptedEngine } from './scripted_engine.js';

function push(host: ScriptedEngine, value: number, durationMs: number, timestamp = 0, rate = 48_000): void {
  const samples = new Int16Array((rate * durationMs) / 1000).fill(value);
  host.send(
    'PUSH_AUDIO_FRAME',
    { timestamp, isEndFrame: 0, frameID: '', sentenceID: 0, sequenceID: 0 },
    Buffer.from(samples.buffer),
  );
}

async function publishing(config: object = {}, sampleRate = 48_000): Promise<ScriptedEngine> {
  const host = new ScriptedEngine();
  host.send('SET_EXTERNAL_AUDIO_SOURCE', { enable: true, sampleRate, channelsPerFrame: 1 });
  await host.join(config);
  host.send('PUBLISH_LOCAL_AUDIO_STREAM', { enable: true });
  await settle();
  // The first packet is due at once.
  await host.clock.pass(0);
  host.take();
  host.codecs.opus.length = 0;
  return host;
}

/** The first sample of each packet. */
function packets(host: ScriptedEngine): number[] {
  return host.codecs.opus.map(({ samples }) => samples[0] ?? -1);
}

describe('pushed sound', () => {
  it('leaves in packets of 20 ms by the clock, silence when there is none, on one time line', async () => {
    const host = await publishing();
    push(host, 5, 60);
    await host.clock.pass(100);
    assert.deepEqual(packets(host), [5, 5, 5, 0, 0]);
    const times = host.room.track('audio').sent.map(({ captureTimeUs }) => captureTimeUs);
    assert.deepEqual(
      times.map((time) => time - (times[0] ?? 0)),
      [0, 20_000, 40_000, 60_000, 80_000, 100_000],
    );
  });

  it('of any chunk length is put together, and a rest goes out after 40 ms', async () => {
    const host = await publishing();
    await host.clock.pass(10);
    for (let i = 0; i < 5; i++) push(host, 5, 7);
    await host.clock.pass(10);
    assert.deepEqual(packets(host), [5]);
    await host.clock.pass(40);
    assert.deepEqual(packets(host), [5, 0, 5]);
    const rest = host.codecs.opus[2]?.samples ?? new Int16Array();
    assert.equal(rest.filter((sample) => sample === 5).length, 15 * 48);
  });

  it('is dropped while the stream is not published, told by nothing but its credit', async () => {
    const host = await publishing();
    host.send('SET_PARAMETER', { param: '{"alirtcd":{"credits":true}}' });
    host.send('PUBLISH_LOCAL_AUDIO_STREAM', { enable: false });
    await settle();
    host.take();
    for (let i = 0; i < 10; i++) push(host, 5, 100);
    await host.clock.pass(10);
    const told = host.take();
    assert.deepEqual(new Set(told.map(({ name }) => name)), new Set(['REMAIN_BUFFER']));
    assert.deepEqual(told.at(-1)?.fields['alirtcd'], { audioConsumedMs: 1000, cameraConsumed: 0, screenConsumed: 0 });
  });

  it('is converted from the declared rate', async () => {
    const host = await publishing({}, 16_000);
    push(host, 7, 40, 0, 16_000);
    await host.clock.pass(40);
    assert.deepEqual(packets(host), [7, 7]);
    assert.equal(host.codecs.opus[0]?.samples.length, 960);
  });

  it('is turned down by the volume and silenced by mute, without a change of state', async () => {
    const host = await publishing();
    push(host, 1000, 100);
    host.send('SET_EXTERNAL_AUDIO_PUBLISH_VOLUME', { volume: 50 });
    await host.clock.pass(20);
    host.send('MUTE_LOCAL_MIC', { mute: true });
    await host.clock.pass(20);
    host.send('MUTE_LOCAL_MIC', { mute: false });
    host.send('SET_EXTERNAL_AUDIO_PUBLISH_VOLUME', { volume: 100 });
    await host.clock.pass(20);
    assert.deepEqual(packets(host), [500, 0, 1000]);
    assert.deepEqual(host.lines(), []);
  });

  it('beyond 200 ms is refused whole, told once, and told again when it has drained to half', async () => {
    const host = await publishing();
    for (let i = 0; i < 12; i++) push(host, i + 1, 20);
    assert.deepEqual(host.lines(), ['audio full true']);
    await host.clock.pass(80);
    assert.deepEqual(host.lines(), []);
    await host.clock.pass(20);
    assert.deepEqual(host.lines(), ['audio full false']);
    await host.clock.pass(140);
    assert.deepEqual(packets(host), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0]);
  });

  it('that is cleared is gone, and the next push follows at once', async () => {
    const host = await publishing();
    push(host, 3, 200);
    await host.clock.pass(20);
    host.send('CLEAR_EXTERNAL_DATA', {});
    await host.clock.pass(20);
    push(host, 4, 20);
    await host.clock.pass(20);
    assert.deepEqual(packets(host), [3, 0, 4]);
  });

  it('keeps its packets a constant 20 ms apart when the process stood still', async () => {
    const host = await publishing();
    host.clock.jump(500);
    await host.clock.pass(0);
    const times = host.room.track('audio').sent.map(({ captureTimeUs }) => captureTimeUs);
    assert.equal(times.length, 11);
    assert.deepEqual([...new Set(times.slice(2).map((time, i) => time - (times[i + 1] ?? 0)))], [20_000]);
    // Opus looks 6.5 ms ahead.
    assert.equal(times.at(-1), 1_000_500_000 - 6500);
  });

  const refusals: [title: string, act: (host: ScriptedEngine) => void, reason: string][] = [
    ['half a sample', (host) => pushBytes(host, 3), 'AUDIO_LENGTH'],
    ['nothing', (host) => pushBytes(host, 0), 'AUDIO_LENGTH'],
    [
      'a volume of 101',
      (host) => host.send('SET_EXTERNAL_AUDIO_PUBLISH_VOLUME', { volume: 101 }),
      'ERR_AUDIO_DATA_ERROR',
    ],
    [
      'a rate that cannot be',
      (host) => host.send('SET_EXTERNAL_AUDIO_SOURCE', { enable: true, sampleRate: 11_025, channelsPerFrame: 1 }),
      'ERR_AUDIO_DATA_ERROR',
    ],
    [
      'a source that is switched off',
      (host) => {
        host.send('SET_EXTERNAL_AUDIO_SOURCE', { enable: false, sampleRate: 0, channelsPerFrame: 0 });
        pushBytes(host, 4);
      },
      'AUDIO_SOURCE_NOT_DECLARED',
    ],
  ];
  for (const [title, act, reason] of refusals)
    it(`refuses ${title} by name`, async () => {
      const host = await publishing();
      act(host);
      assert.deepEqual(host.lines(), [`error ${ERROR_NUMBERS.ERR_AUDIO_DATA_ERROR} ${reason}`]);
    });

  it('is encoded as its profile says, from the next packet on', async () => {
    const host = await publishing();
    push(host, 1, 20);
    await host.clock.pass(20);
    host.send('SET_AUDIO_PROFILE', { audioProfile: 0x10, audioScene: 0 });
    await host.clock.pass(20);
    host.send('SET_AUDIO_PROFILE', { audioProfile: 0x13, audioScene: 0 });
    await host.clock.pass(20);
    assert.deepEqual(
      host.codecs.opus.map(({ channels, bitrateKbps }) => [channels, bitrateKbps]),
      [
        [1, 24],
        [1, 64],
        [2, 128],
      ],
    );
  });
});

describe('sentences', () => {
  it('are told when their first sample leaves and when their last one has', async () => {
    const host = await publishing({ publishAvsyncMode: 1 });
    const say = (sentenceID: number, isEndFrame: number, timestamp: number): void => {
      const fields = { timestamp, isEndFrame, frameID: '', sentenceID, sequenceID: 9 };
      host.send('PUSH_AUDIO_FRAME', fields, Buffer.alloc(48 * 2 * 100, 1));
    };
    say(1, 0, 0);
    say(1, 1, 100);
    say(2, 1, 200);
    await host.clock.pass(90);
    assert.deepEqual(host.lines(), ['AUDIO_SENTENCE_BEGIN {"sentenceID":1,"sequenceID":9}']);
    await host.clock.pass(150);
    assert.deepEqual(host.lines(), []);
    await host.clock.pass(60);
    assert.deepEqual(host.lines(), [
      'AUDIO_SENTENCE_END {"sentenceID":1,"sequenceID":9}',
      'AUDIO_SENTENCE_BEGIN {"sentenceID":2,"sequenceID":9}',
    ]);
    await host.clock.pass(100);
    assert.deepEqual(host.lines(), ['AUDIO_SENTENCE_END {"sentenceID":2,"sequenceID":9}']);
  });

  it('that are cleared are not told', async () => {
    const host = await publishing({ publishAvsyncMode: 1 });
    const fields = { timestamp: 0, isEndFrame: 1, frameID: '', sentenceID: 5, sequenceID: 1 };
    host.send('PUSH_AUDIO_FRAME', fields, Buffer.alloc(9600, 1));
    host.send('CLEAR_EXTERNAL_DATA', {});
    await host.clock.pass(500);
    assert.deepEqual(host.lines(), []);
  });
});

describe('sound and pictures with timestamps', () => {
  const WITH_PTS = { publishAvsyncMode: 1 };

  it('two seconds of sound pushed at once go out over two seconds', async () => {
    const host = await publishing(WITH_PTS);
    for (let i = 0; i < 100; i++) push(host, i + 1, 20, i * 20);
    await host.clock.pass(1000);
    assert.ok(host.codecs.opus.length === 50);
    assert.ok(Math.abs(Math.max(...packets(host)) - 47) <= 1, `at 1 s: ${Math.max(...packets(host))}`);
    await host.clock.pass(1100);
    assert.deepEqual(
      packets(host).filter((value) => value > 0),
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    assert.deepEqual(host.lines(), []);
  });

  it('a gap in the timestamps is silence of its length', async () => {
    const host = await publishing(WITH_PTS);
    push(host, 1, 20, 1000);
    push(host, 2, 20, 1100);
    await host.clock.pass(300);
    const values = packets(host);
    assert.equal(values.indexOf(2) - values.indexOf(1), 5);
  });

  it('what goes on after a pause with its own count is sent, not dropped', async () => {
    const host = await publishing(WITH_PTS);
    push(host, 1, 20, 0);
    await host.clock.pass(3000);
    push(host, 2, 20, 20);
    await host.clock.pass(200);
    assert.deepEqual(
      packets(host).filter((value) => value > 0),
      [1, 2],
    );
  });

  it('the cache sizes of the join decide what fits', async () => {
    const host = await publishing({ ...WITH_PTS, publishAvsyncWithPtsMaxAudioCacheSize: 5 });
    push(host, 1, 50, 0);
    assert.deepEqual(host.lines(), []);
    push(host, 2, 10, 50);
    assert.deepEqual(host.lines(), ['audio full true']);
  });

  it('a picture leaves when the sound of its timestamp does', async () => {
    const host = await publishing(WITH_PTS);
    host.send('SET_EXTERNAL_VIDEO_SOURCE', { enable: true, source: 0, renderMode: 0 });
    host.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable: true });
    await settle();
    for (let i = 0; i < 50; i++) push(host, i + 1, 20, 5000 + i * 20);
    for (let i = 0; i < 10; i++)
      host.send(
        'PUSH_VIDEO_FRAME',
        {
          source: 0,
          format: 1,
          bufferType: 0,
          strideY: 0,
          strideU: 0,
          strideV: 0,
          height: 16,
          width: 16,
          rotation: 0,
          timestamp: 5000 + i * 100,
        },
        Buffer.alloc(384, i),
      );
    await host.clock.pass(1200);
    const sound = host.room.track('audio').sent;
    const first = sound.findIndex(({ data }) => data[0] === 1);
    const startUs = sound[first]?.captureTimeUs ?? 0;
    const offsets = host.room
      .track('camera')
      .sent.map(({ captureTimeUs }, i) => Math.round((captureTimeUs - startUs) / 1000) - i * 100);
    assert.equal(offsets.length, 10);
    assert.ok(
      offsets.every((offset) => Math.abs(offset) <= 20),
      `offsets in ms: ${offsets.join(', ')}`,
    );
  });
});

function pushBytes(host: ScriptedEngine, bytes: number): void {
  host.send(
    'PUSH_AUDIO_FRAME',
    { timestamp: 0, isEndFrame: 0, frameID: '', sentenceID: 0, sequenceID: 0 },
    Buffer.alloc(bytes),
  );
}
