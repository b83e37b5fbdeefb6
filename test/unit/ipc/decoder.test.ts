import { strict as assert } from 'node:assert';
import { MessageDecoder } from '../../../coreservice/ipc/decoder.js';
import type { Direction } from '../../../coreservice/ipc/direction.js';
import { CORE_TO_HOST, HOST_TO_CORE } from '../../../coreservice/ipc/direction.js';
import { encodeMessage } from '../../../coreservice/ipc/encoder.js';
import { decodeAll, sampleFields, samplePayload, seeded, unit } from './messages.js';

const SEI = { userid: 'bob' };
const PICTURE = 'DECODED_VIDEO_FRAME';

/** One of every message of a direction, payloads of awkward lengths, padding in between. */
function conversation(direction: Direction): { bytes: Buffer; expected: unknown[] } {
  const rows = [...direction.byName.values()];
  const messages = rows.map((row, index) => ({
    name: row.name,
    fields: sampleFields(row),
    payload: row.spec.payload === undefined ? undefined : samplePayload(index * 3001),
  }));
  const bytes = messages.flatMap(({ name, fields, payload }, index) => [
    ...encodeMessage(direction, name, fields, payload),
    unit(Buffer.alloc(index % 4)),
  ]);
  return { bytes: Buffer.concat(bytes), expected: messages };
}

/** A sender that gives a picture in units of these lengths. */
function splitPicture(lengths: number[]): { bytes: Buffer; payload: Buffer } {
  const row = CORE_TO_HOST.byName.get(PICTURE);
  assert.ok(row !== undefined);
  const payload = samplePayload(lengths.reduce((sum, length) => sum + length, 0));
  const [head] = encodeMessage(CORE_TO_HOST, PICTURE, sampleFields(row), payload);
  assert.ok(head !== undefined);
  let offset = 0;
  const units = lengths.map((length) => unit(payload.subarray(offset, (offset += length))));
  return { bytes: Buffer.concat([head, ...units]), payload };
}

describe('the decoder', () => {
  it('gives the same messages wherever the bytes are cut in two', () => {
    const messages = [
      ...encodeMessage(CORE_TO_HOST, 'SEI_RECEIVED', SEI, samplePayload(11)),
      unit(Buffer.alloc(3)),
      ...encodeMessage(CORE_TO_HOST, 'LEAVE_RESULT', { leaveresult: 0 }),
      splitPicture([5, 1, 7]).bytes,
      ...encodeMessage(CORE_TO_HOST, 'SEI_RECEIVED', SEI, samplePayload(0)),
    ];
    const bytes = Buffer.concat(messages);
    const whole = decodeAll(CORE_TO_HOST, [bytes]);
    assert.deepEqual(
      whole.map(({ name, payload }) => [name, payload?.length]),
      [
        ['SEI_RECEIVED', 11],
        ['LEAVE_RESULT', undefined],
        [PICTURE, 13],
        ['SEI_RECEIVED', 0],
      ],
    );
    for (let cut = 0; cut <= bytes.length; cut++)
      assert.deepEqual(decodeAll(CORE_TO_HOST, [bytes.subarray(0, cut), bytes.subarray(cut)]), whole, `cut at ${cut}`);
    const single = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
    assert.deepEqual(decodeAll(CORE_TO_HOST, single), whole);
  });

  for (const direction of [HOST_TO_CORE, CORE_TO_HOST])
    it(`gives every ${direction.numberKey} whole out of chunks of random lengths`, () => {
      const { bytes, expected } = conversation(direction);
      const random = seeded(20_240_607);
      for (let round = 0; round < 12; round++) {
        const chunks: Buffer[] = [];
        // From a few bytes to as much as a socket gives at once.
        const most = 2 ** (3 + round);
        for (let offset = 0; offset < bytes.length;) {
          const end = offset + 1 + Math.floor(random() * most);
          chunks.push(bytes.subarray(offset, end));
          offset = end;
        }
        assert.deepEqual(decodeAll(direction, chunks), expected, `round ${round}`);
      }
    });

  it('ends with an error, and never with another exception, on random bytes', () => {
    const random = seeded(7);
    const { bytes } = conversation(CORE_TO_HOST);
    for (let round = 0; round < 300; round++) {
      const damaged = Buffer.from(bytes.subarray(0, 4000));
      for (let hit = 0; hit < 3; hit++) damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
      try {
        decodeAll(CORE_TO_HOST, [damaged]);
      } catch (error) {
        assert.equal((error as { reason?: string }).reason, 'IPC_PROTOCOL_ERROR', String(error));
      }
    }
  });

  it('puts a picture together from any number of units, empty ones and ones of zeros included', () => {
    const { bytes, payload } = splitPicture([1, 0, 3, 65_536, 0, 100_000]);
    const [message] = decodeAll(CORE_TO_HOST, [bytes]);
    assert.ok(message?.payload?.equals(payload));
  });

  it('gives payloads that do not change when the chunks do', () => {
    const bytes = Buffer.concat(encodeMessage(CORE_TO_HOST, 'SEI_RECEIVED', SEI, samplePayload(500)));
    const [message] = decodeAll(CORE_TO_HOST, [bytes]);
    bytes.fill(0xff);
    assert.deepEqual(message?.payload, samplePayload(500));
  });

  it('passes over units without bytes and units of zeros between messages', () => {
    const leave = encodeMessage(CORE_TO_HOST, 'LEAVE_RESULT', { leaveresult: 3 });
    const padding = [unit(''), unit(Buffer.alloc(1)), unit(Buffer.alloc(70_000)), unit('')];
    const messages = decodeAll(CORE_TO_HOST, [...padding, ...leave, ...padding, ...leave, ...padding]);
    assert.deepEqual(
      messages.map(({ name }) => name),
      ['LEAVE_RESULT', 'LEAVE_RESULT'],
    );
  });

  it('takes 0, 1, true and false for what is true or false, and cuts a fraction off an int', () => {
    const read = (json: string) => decodeAll(HOST_TO_CORE, [unit(json)])[0]?.fields;
    for (const [text, value] of [
      ['0', false],
      ['1', true],
      ['false', false],
      ['true', true],
    ] as const) {
      assert.deepEqual(read(`{"Command":20,"mute":${text}}`), { mute: value });
      assert.deepEqual(read(`{"Command":1,"h5mode":${text}}`), { logPath: '/tmp', h5mode: value, extra: '' });
    }
    assert.deepEqual(read('{"Command":5,"role":1.9}'), { role: 1 });
  });

  it('drops keys that the row does not have, and an "alirtcd" that is no object', () => {
    const json = '{"Command":20,"mute":true,"other":{"x":1},"__proto__":{"y":2},"alirtcd":"z"}';
    assert.deepEqual(decodeAll(HOST_TO_CORE, [unit(json)]), [
      { name: 'MUTE_LOCAL_MIC', fields: { mute: true }, payload: undefined },
    ]);
  });

  it('fills in what a sender may leave out, and statistics that are null', () => {
    const [stats] = decodeAll(CORE_TO_HOST, [unit('{"Request":1062,"sentBytes":7,"sentLossRate":null}')]);
    assert.equal(stats?.fields['sentBytes'], 7);
    assert.equal(stats?.fields['sentLossRate'], 0);
    assert.equal(stats?.fields['rcvdBytes'], 0);
    const picture = '{"Request":1021,"uid":"b","track":1,"type":0,"frame_ms":1,"width":2,"height":2,"frame_num":1,';
    const [frame] = decodeAll(CORE_TO_HOST, [unit(`${picture}"frame_size":1}`), unit('x')]);
    assert.deepEqual(frame?.fields['mv_infos'], []);
  });

  it('tells of every message that has no row', () => {
    const numbers: number[] = [];
    const decoder = new MessageDecoder(CORE_TO_HOST, undefined, (number) => numbers.push(number));
    decodeAll(CORE_TO_HOST, [unit('{"Request":1033}'), unit('{"Request":1041}'), unit('{"Request":1033}')], decoder);
    assert.deepEqual(numbers, [1033, 1041, 1033]);
  });

  it('does not wait for a too long unit before it refuses it', () => {
    const decoder = new MessageDecoder(CORE_TO_HOST, { maxMessageBytes: 100, maxPayloadBytes: 100 });
    decoder.feed(Buffer.from([0, 0, 0, 101]));
    assert.throws(() => decoder.next(), /a unit of 101 bytes was announced, at most 100 are taken/);
    const other = new MessageDecoder(CORE_TO_HOST, { maxMessageBytes: 100, maxPayloadBytes: 100 });
    other.feed(unit('{"Request":1019,"userid":"b","size":101}'));
    assert.throws(() => other.next(), /SEI_RECEIVED key "size": is 101, at most 100 bytes of payload are taken/);
  });

  const sei = (size: string) => unit(`{"Request":1019,"userid":"b","size":${size}}`);
  const push = unit(
    '{"Command":4,"sampleLength":90000,"timestamp":1,"isEndFrame":0,"frameID":"","sentenceID":0,"sequenceID":0}',
  );
  const broken: [title: string, direction: Direction, bytes: Buffer, expected: RegExp][] = [
    ['text that is not JSON', CORE_TO_HOST, unit('hello'), /a unit of 5 bytes that begins with "hello" is not JSON/],
    ['JSON that is no object', CORE_TO_HOST, unit('[1]'), /its JSON is not an object/],
    ['no number', CORE_TO_HOST, unit('{"Command":5}'), /key "Request": is missing, must be a whole number/],
    ['a number that is a string', HOST_TO_CORE, unit('{"Command":"5"}'), /key "Command": is string/],
    [
      'a missing key',
      CORE_TO_HOST,
      unit('{"Request":1005}'),
      /REMOTE_USER_ONLINE key "uid": is missing, must be a string/,
    ],
    [
      'a wrong type',
      CORE_TO_HOST,
      unit('{"Request":1005,"uid":[7]}'),
      /REMOTE_USER_ONLINE key "uid": is \[7\], must be/,
    ],
    [
      'a 2 for a flag',
      HOST_TO_CORE,
      unit('{"Command":1,"h5mode":2}'),
      /CREATE_RTC_ENGINE key "h5mode": is 2, must be 0 or/,
    ],
    ['a negative size', CORE_TO_HOST, sei('-1'), /SEI_RECEIVED key "size": is -1, must be a number of bytes/],
    ['half a byte', CORE_TO_HOST, sei('1.5'), /SEI_RECEIVED key "size": is 1.5, must be a number of bytes/],
    [
      'a payload in two units that must be one',
      CORE_TO_HOST,
      Buffer.concat([sei('3'), unit('xx')]),
      /SEI_RECEIVED: a unit of 2 bytes was announced for the payload, it must be one unit of 3/,
    ],
    [
      'more payload than announced',
      CORE_TO_HOST,
      Buffer.concat([sei('3'), unit('xxxx')]),
      /unit of 4 bytes .* must be one unit of 3/,
    ],
    [
      'a payload unit over 65,536 bytes from a host',
      HOST_TO_CORE,
      Buffer.concat([push, unit(Buffer.alloc(65_537))]),
      /PUSH_AUDIO_FRAME: a unit of 65537 bytes .* at most 65536/,
    ],
    ['an end within a length', CORE_TO_HOST, Buffer.from([0, 0]), /the connection ended in the middle of it/],
    [
      'an end within JSON',
      CORE_TO_HOST,
      unit('{"Request":1005}').subarray(0, 9),
      /the connection ended in the middle of it/,
    ],
    ['an end before the payload', CORE_TO_HOST, sei('3'), /SEI_RECEIVED: the connection ended after 0 of 3 bytes/],
  ];
  for (const [title, direction, bytes, expected] of broken)
    it(`ends with an error that names what is wrong: ${title}`, () => {
      const single = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
      for (const chunks of [[bytes], single])
        assert.throws(
          () => decodeAll(direction, chunks),
          (error: Error & { class?: string; reason?: string }) => {
            assert.equal(error.reason, 'IPC_PROTOCOL_ERROR');
            assert.match(error.message, expected);
            return true;
          },
        );
    });

  it('never shows a token in an error', () => {
    const json = '{"Command":24,"token":["verysecret"],"channel":"c","userid":"u","username":"","config":{}}';
    assert.throws(
      () => decodeAll(HOST_TO_CORE, [unit(json)]),
      (error: Error) => /"token": is of type object/.test(error.message) && !JSON.stringify(error).includes('secret'),
    );
  });
});
