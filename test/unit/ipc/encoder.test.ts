import { strict as assert } from 'node:assert';
import { CORE_TO_HOST, HOST_TO_CORE } from '../../../coreservice/ipc/direction.js';
import { encodeMessage } from '../../../coreservice/ipc/encoder.js';
import { sampleFields, samplePayload } from './messages.js';

function row(direction: typeof HOST_TO_CORE, name: string) {
  const found = direction.byName.get(name);
  assert.ok(found !== undefined);
  return found;
}
const AUDIO = { timestamp: 5, isEndFrame: 0, frameID: '', sentenceID: 0, sequenceID: 0 };

describe('the encoder', () => {
  it('writes what stands on the wire, byte for byte', () => {
    const bytes = Buffer.concat(encodeMessage(HOST_TO_CORE, 'PUSH_AUDIO_FRAME', AUDIO, Buffer.from([1, 2])));
    const json =
      '{"Command":4,"sampleLength":2,"timestamp":5,"isEndFrame":0,"frameID":"","sentenceID":0,"sequenceID":0}';
    assert.equal(bytes.toString('latin1'), `\0\0\0${String.fromCharCode(json.length)}${json}\0\0\0\x02\x01\x02`);
  });

  it('writes a flag as 0 or 1, and a bool as true or false', () => {
    const create = Buffer.concat(
      encodeMessage(HOST_TO_CORE, 'CREATE_RTC_ENGINE', { logPath: '/tmp', h5mode: true, extra: '' }),
    );
    assert.match(create.toString(), /"h5mode":1,/);
    assert.match(
      Buffer.concat(encodeMessage(HOST_TO_CORE, 'MUTE_LOCAL_MIC', { mute: true })).toString(),
      /"mute":true}$/,
    );
  });

  it("sends a payload as views of the caller's buffer: host to core in units of at most 65,536 bytes", () => {
    const picture = samplePayload(200_000);
    const fields = sampleFields(row(HOST_TO_CORE, 'PUSH_VIDEO_FRAME'));
    const [, ...units] = encodeMessage(HOST_TO_CORE, 'PUSH_VIDEO_FRAME', fields, picture);
    const parts = units.filter((_, index) => index % 2 === 1);
    assert.deepEqual(
      parts.map((part) => part.byteLength),
      [65_536, 65_536, 65_536, 3392],
    );
    assert.deepEqual(
      units.filter((_, index) => index % 2 === 0).map((head) => head.readUInt32BE(0)),
      [65_536, 65_536, 65_536, 3392],
    );
    for (const part of parts) assert.equal(part.buffer, picture.buffer);
    assert.ok(Buffer.concat(parts).equals(picture));
  });

  it('sends a payload from core to host as exactly one unit, and takes any view of bytes', () => {
    const fields = sampleFields(row(CORE_TO_HOST, 'REMOTE_AUDIO_FRAME'));
    const whole = new Uint8Array(300_000).fill(9);
    const units = encodeMessage(CORE_TO_HOST, 'REMOTE_AUDIO_FRAME', fields, whole.subarray(100));
    assert.equal(units.length, 3);
    assert.equal(units[1]?.readUInt32BE(0), 299_900);
    assert.equal(units[2]?.byteLength, 299_900);
    assert.equal(units[2]?.buffer, whole.buffer);
  });

  it('sends a payload of no bytes as one empty unit, with its size 0', () => {
    const [head, ...units] = encodeMessage(HOST_TO_CORE, 'PUSH_AUDIO_FRAME', AUDIO);
    assert.match(head?.toString() ?? '', /"sampleLength":0,/);
    assert.deepEqual(units, [Buffer.alloc(4)]);
  });

  const refused: [title: string, encode: () => unknown, expected: RegExp][] = [
    [
      'a number that JSON cannot carry',
      () => encodeMessage(HOST_TO_CORE, 'SET_CLIENTROLE', { role: NaN }),
      /SET_CLIENTROLE key "role": is NaN, must be a whole number/,
    ],
    [
      'a missing field',
      () => encodeMessage(HOST_TO_CORE, 'MUTE_LOCAL_MIC', {}),
      /MUTE_LOCAL_MIC key "mute": is undefined, must be true or false/,
    ],
    [
      'a payload where none belongs',
      () => encodeMessage(HOST_TO_CORE, 'MUTE_LOCAL_MIC', { mute: true }, Buffer.alloc(1)),
      /MUTE_LOCAL_MIC: has no payload/,
    ],
    [
      'a payload that is too long',
      () =>
        encodeMessage(HOST_TO_CORE, 'PUSH_AUDIO_FRAME', AUDIO, Buffer.alloc(11), {
          maxMessageBytes: 1000,
          maxPayloadBytes: 10,
        }),
      /PUSH_AUDIO_FRAME: a payload of 11 bytes is longer than 10/,
    ],
    [
      'JSON that is too long',
      () => encodeMessage(HOST_TO_CORE, 'SET_PARAMETER', { param: 'x'.repeat(1 << 20) }),
      /SET_PARAMETER: 10\d+ bytes of JSON are more than 1048576/,
    ],
  ];
  for (const [title, encode, expected] of refused)
    it(`refuses ${title}, naming it`, () => {
      assert.throws(encode, (error: Error & { class?: string }) => {
        assert.equal(error.class, 'invalid_argument');
        assert.match(error.message, expected);
        return true;
      });
    });

  it('never shows a token in an error', () => {
    const join = { token: 5n, channel: 'c', userid: 'u', username: '', config: {} };
    assert.throws(() => encodeMessage(HOST_TO_CORE, 'JOIN_CHANNEL_V2', join), /"token": is of type bigint/);
  });
});
