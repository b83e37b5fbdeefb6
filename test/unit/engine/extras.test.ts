import assert from 'node:assert/strict';
import { PictureRingReader, type PictureReference } from '../../../common/picture_ring.js';
import { ERROR_NUMBERS } from '../../../common/error_codes.js';
import { buildSei, findSei, insertSei } from '../../../rtp/sei.js';
import { decodeDataMessage, encodeDataMessage } from '../../../coreservice/engine/data_channel.js';
import { settle } from './fake_clock.js';
import { INTERACTIVE_LIVE, ScriptedEngine } from './scripted_engine.js';
import { unit } from './encoded_units.js';

const KEY = Buffer.from([0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 1, 0, 0, 0, 1, 0x65, 0x88, 9]);
const DELTA = Buffer.from([0, 0, 0, 1, 0x41, 0x9a, 9]);
const PUSH = {
  source: 0,
  bufferType: 0,
  strideY: 0,
  strideU: 0,
  strideV: 0,
  height: 16,
  width: 16,
  rotation: 0,
  timestamp: 0,
};

async function publishing(dual = false): Promise<ScriptedEngine> {
  const host = new ScriptedEngine();
  host.send('SET_EXTERNAL_VIDEO_SOURCE', { enable: true, source: 0, renderMode: 0 });
  host.send('PUBLISH_LOCAL_DUAL_STREAM', { enable: dual });
  await host.join();
  host.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable: true });
  await settle();
  return host;
}

async function push(host: ScriptedEngine): Promise<void> {
  host.send('PUSH_VIDEO_FRAME', { ...PUSH, format: 1 }, Buffer.alloc(384, 7));
  await host.clock.pass(100);
}

describe('the dual stream', () => {
  it('is the camera once more at half its size, with states that follow it', async () => {
    const host = await publishing(true);
    assert.deepEqual(host.lines().slice(3), [
      'camera: Idle>Publishing',
      'dual: Idle>Publishing',
      'camera: Publishing>Published',
      'dual: Publishing>Published',
    ]);
    assert.deepEqual(
      host.room.publishOptions?.layers.map(({ quality, width, height }) => [quality, width, height]),
      [
        ['high', 640, 480],
        ['low', 320, 240],
      ],
    );
    await push(host);
    assert.deepEqual(
      host.room.track('camera').sent.map(({ quality, keyFrame }) => [quality, keyFrame]),
      [
        ['high', true],
        ['low', true],
      ],
    );
    host.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable: false });
    host.send('LEAVE_CHANNEL', {});
    await settle();
    assert.deepEqual(host.lines(), [
      'camera: Published>NoPublish',
      'dual: Published>NoPublish',
      'camera: NoPublish>Idle',
      'dual: NoPublish>Idle',
      'status Disconnected',
      'left 0',
    ]);
  });

  it('is switched on and off in the call by a new track that comes before the old one goes', async () => {
    const host = await publishing();
    host.lines();
    host.room.asked.length = 0;
    host.send('PUBLISH_LOCAL_DUAL_STREAM', { enable: true });
    await settle();
    host.send('PUBLISH_LOCAL_DUAL_STREAM', { enable: false });
    await settle();
    assert.deepEqual(host.lines(), [
      'dual: Idle>Publishing',
      'dual: Publishing>Published',
      'dual: Published>NoPublish',
    ]);
    assert.deepEqual(host.room.asked, ['publish camera', 'unpublish camera', 'publish camera', 'unpublish camera']);
  });

  it('encodes only the layers that somebody wants', async () => {
    const host = await publishing(true);
    const track = host.room.track('camera');
    track.emit('layers_wanted', new Set(['low'] as const));
    await push(host);
    track.emit('layers_wanted', new Set(['high'] as const));
    await push(host);
    assert.deepEqual(
      track.sent.map(({ quality, keyFrame }) => [quality, keyFrame]),
      [
        ['low', true],
        ['high', true],
      ],
    );
  });

  it('that the server does not take fails alone', async () => {
    const host = await publishing();
    host.lines();
    host.room.onPublish = () => Promise.reject(new Error('no'));
    host.send('PUBLISH_LOCAL_DUAL_STREAM', { enable: true });
    await settle();
    assert.deepEqual(host.lines(), [
      'dual: Idle>Publishing',
      'dual: Publishing>NoPublish',
      `error ${ERROR_NUMBERS.ERR_PUBLISH_DUAL_STREAM_FAILED} ERR_PUBLISH_DUAL_STREAM_FAILED`,
    ]);
    await push(host);
    assert.equal(host.room.track('camera').sent.length, 1);
  });

  it('of another user is told by the size of what really comes', async () => {
    const host = new ScriptedEngine();
    await host.join({ subscribeMode: 0, subscribeVideoFormat: 1 });
    host.room.join('alice');
    host.room.publish('alice', 'camera', { simulcast: true });
    const track = host.room.deliverVideo('alice');
    host.lines();
    track.emit('unit', unit(1, { keyFrame: true, width: 640, height: 480 }));
    host.send('SET_REMOTE_VIDEO_STREAM_TYPE', { uid: 'alice', streamType: 2 });
    track.emit('unit', unit(2, { width: 640, height: 480 }));
    track.emit('unit', unit(3, { keyFrame: true, width: 320, height: 240 }));
    await settle();
    const told = host.take();
    assert.deepEqual(
      told
        .filter(({ name }) => name === 'SUBSCRIBED_STREAM_TYPE')
        .map(({ fields }) => [fields['oldState'], fields['newState']]),
      [
        [0, 1],
        [1, 2],
      ],
    );
    const frames = told.filter(({ name }) => name === 'DECODED_VIDEO_FRAME').map(({ fields }) => fields['track']);
    assert.equal(frames.at(-1), 1);
  });
});

describe('SEI', () => {
  async function sendingH264(): Promise<ScriptedEngine> {
    const host = await publishing();
    host.take();
    await pushH264(host, KEY);
    host.room.track('camera').sent.length = 0;
    return host;
  }

  async function pushH264(host: ScriptedEngine, accessUnit: Buffer): Promise<void> {
    host.send('PUSH_VIDEO_FRAME', { ...PUSH, format: 4 }, accessUnit);
    await host.clock.pass(40);
  }

  function messages(host: ScriptedEngine): string[] {
    return host.room.track('camera').sent.map(({ data }) =>
      findSei(data)
        .map((sei) => sei.data.toString())
        .join('+'),
    );
  }

  const rows: [title: string, fields: { repeatCount: number; delay: number; isKeyFrame: boolean }, wanted: string[]][] =
    [
      ['as many copies as asked for', { repeatCount: 2, delay: 0, isKeyFrame: false }, ['hi', 'hi', '', '']],
      ['at least one', { repeatCount: 0, delay: 0, isKeyFrame: false }, ['hi', '', '', '']],
      ['for ever', { repeatCount: -1, delay: 0, isKeyFrame: false }, ['hi', 'hi', 'hi', 'hi']],
      ['not before its delay', { repeatCount: 1, delay: 80, isKeyFrame: false }, ['', '', 'hi', '']],
      ['only on key frames', { repeatCount: 1, delay: 0, isKeyFrame: true }, ['', '', 'hi', '']],
    ];
  for (const [title, fields, wanted] of rows)
    it(`rides on the camera's pictures: ${title}`, async () => {
      const host = await sendingH264();
      host.send('SEND_MEDIA_EXTENSION_MSG', fields, Buffer.from('hi'));
      for (const accessUnit of [DELTA, DELTA, KEY, DELTA]) await pushH264(host, accessUnit);
      assert.deepEqual(messages(host), wanted);
    });

  it('is replaced by the next message', async () => {
    const host = await sendingH264();
    const fields = { repeatCount: -1, delay: 0, isKeyFrame: false };
    host.send('SEND_MEDIA_EXTENSION_MSG', fields, Buffer.from('one'));
    await pushH264(host, DELTA);
    host.send('SEND_MEDIA_EXTENSION_MSG', { ...fields, repeatCount: 1 }, Buffer.from('two'));
    await pushH264(host, DELTA);
    await pushH264(host, DELTA);
    assert.deepEqual(messages(host), ['one', 'two', '']);
  });

  it('has at most 4096 bytes and needs a published camera', async () => {
    const host = await sendingH264();
    const fields = { repeatCount: 1, delay: 0, isKeyFrame: false };
    host.send('SEND_MEDIA_EXTENSION_MSG', fields, Buffer.alloc(4096, 0));
    assert.deepEqual(host.lines(), []);
    await pushH264(host, DELTA);
    assert.equal(findSei(host.room.track('camera').sent.at(-1)?.data ?? Buffer.alloc(0))[0]?.data.length, 4096);
    host.send('SEND_MEDIA_EXTENSION_MSG', fields, Buffer.alloc(4097));
    host.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable: false });
    host.send('SEND_MEDIA_EXTENSION_MSG', fields, Buffer.alloc(1));
    assert.deepEqual(host.lines(), [
      `error ${ERROR_NUMBERS.ERR_SDK_INVALID_STATE} BAD_PARAMETER`,
      'camera: Published>NoPublish',
      `error ${ERROR_NUMBERS.ERR_PUBLISH_INVALID} ERR_PUBLISH_INVALID`,
    ]);
  });

  it('of another user is told once for all copies of a message, and again for another one', async () => {
    const host = new ScriptedEngine();
    await host.join({ subscribeMode: 0 });
    host.room.join('alice');
    host.room.publish('alice', 'camera');
    const track = host.room.deliverVideo('alice');
    const withSei = (id: number, text: string): Buffer =>
      insertSei(DELTA, buildSei(Buffer.alloc(16, id), Buffer.from(text)));
    for (const data of [withSei(1, 'a'), withSei(1, 'a'), withSei(2, 'a'), withSei(1, 'b'), DELTA])
      track.emit('unit', unit(1, { data }));
    const told = host.take().filter(({ name }) => name === 'SEI_RECEIVED');
    assert.deepEqual(
      told.map(({ fields, payload }) => [fields['userid'], payload?.toString()]),
      [
        ['alice', 'a'],
        ['alice', 'a'],
        ['alice', 'b'],
      ],
    );
  });
});

describe('the data channel', () => {
  const ON = '{"data":{"enablePubDataChannel":true,"enableSubDataChannel":true}}';
  const FIELDS = { type: 1, networkTime: 5, progress: 77 };

  it('sends and receives once it is switched on', async () => {
    const host = new ScriptedEngine();
    host.send('SET_PARAMETER', { param: ON });
    await host.join();
    host.take();
    host.send('SEND_DATA_CHANNEL_MSG', FIELDS, Buffer.from('hello'));
    const [sent] = host.room.sentData;
    assert.deepEqual([sent?.topic, sent?.reliable], ['alirtc.data', true]);
    host.room.data('alice', 'alirtc.data', sent?.payload ?? Buffer.alloc(0));
    host.room.data('alice', 'chat', Buffer.from('other topic'));
    assert.deepEqual(host.take(), [
      { name: 'DATA_CHANNEL_MESSAGE', fields: { uid: 'alice', ...FIELDS }, payload: Buffer.from('hello') },
    ]);
  });

  it('is off by default in both directions, and not for audience to send', async () => {
    const host = new ScriptedEngine();
    host.send('SEND_DATA_CHANNEL_MSG', FIELDS, Buffer.from('x'));
    await host.join({ channelProfile: INTERACTIVE_LIVE });
    host.lines();
    host.send('SEND_DATA_CHANNEL_MSG', FIELDS, Buffer.from('x'));
    host.room.data('alice', 'alirtc.data', encodeDataMessage(FIELDS, Buffer.from('x')));
    host.send('SET_PARAMETER', { param: ON });
    host.send('SEND_DATA_CHANNEL_MSG', FIELDS, Buffer.from('x'));
    const number = ERROR_NUMBERS.ERR_SDK_INVALID_STATE;
    assert.deepEqual(host.lines(), [`error ${number} DATA_CHANNEL_OFF`, `error ${number} DATA_CHANNEL_AUDIENCE`]);
    host.room.data('alice', 'alirtc.data', encodeDataMessage(FIELDS, Buffer.from('x')));
    assert.equal(host.take().length, 1);
  });

  const foreign: [title: string, payload: string, type: number, data: string][] = [
    ['plain bytes', 'hello', 2, 'hello'],
    ['a line that is no header', '{"a":1}\nx', 2, '{"a":1}\nx'],
    ['broken JSON', '{"type":\nx', 2, '{"type":\nx'],
    ['a type that does not exist', '{"type":9}\nx', 0, 'x'],
  ];
  for (const [title, payload, type, data] of foreign)
    it(`takes ${title} of another client`, () => {
      const decoded = decodeDataMessage(Buffer.from(payload));
      assert.deepEqual([decoded.fields.type, decoded.data.toString()], [type, data]);
    });
});

describe('decoded pictures', () => {
  it('go through shared memory when the host asks for it', async () => {
    const host = new ScriptedEngine();
    host.send('SET_PARAMETER', {
      param: '{"alirtcd":{"pictureRing":true,"demand":{"pictures":[{"uid":"*","track":-1}]}}}',
    });
    await host.join({ subscribeMode: 0 });
    host.room.join('alice');
    host.room.publish('alice', 'camera');
    host.room.deliverVideo('alice').emit('unit', unit(42, { keyFrame: true }));
    await settle();
    const told = host.take().find(({ name }) => name === 'DECODED_VIDEO_FRAME');
    const { ring } = told?.fields['alirtcd'] as { ring: PictureReference };
    assert.equal(told?.payload, undefined);
    const reader = new PictureRingReader();
    assert.equal(reader.read(ring)?.[0], 42);
    reader.close();
    host.send('LEAVE_CHANNEL', {});
    await settle();
  });
});

describe('statistics', () => {
  it('come every 2 s while in a channel', async () => {
    const host = await publishing();
    await host.clock.pass(1999);
    assert.equal(host.statistics.length, 0);
    await host.clock.pass(1);
    assert.deepEqual(
      host.statistics.map(({ name }) => name),
      ['LOCAL_VIDEO_STATS', 'CALL_STATS'],
    );
    host.statistics.splice(0);
    for (let i = 0; i < 20; i++) await push(host);
    const [video, call] = host.statistics;
    assert.deepEqual([video?.fields['encodeFps'], video?.fields['avgQpPerSec']], [10, 20]);
    assert.equal(call?.fields['callDuration'], 4);
    host.send('LEAVE_CHANNEL', {});
    await host.clock.pass(10_000);
    assert.equal(host.statistics.length, 2);
  });
});
