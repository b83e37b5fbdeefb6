import assert from 'node:assert/strict';
import { isRtcp, parseRtp, serializeRtp } from '../../../rtp/packet.js';
import { randomBytes, seededRandom } from './helpers.js';

const PLAIN = { marker: true, payloadType: 96, sequence: 65535, timestamp: 0xfffffffe, ssrc: 0xdeadbeef };

describe('RTP packets', () => {
  it('come back as they were written, whatever extensions, sources and padding they have', () => {
    const rows: { extensions: [number, Buffer][]; csrcs: number[]; paddingBytes: number }[] = [
      { extensions: [], csrcs: [], paddingBytes: 0 },
      { extensions: [[1, Buffer.from('0')]], csrcs: [1, 0xffffffff], paddingBytes: 0 },
      { extensions: [[14, Buffer.alloc(16, 7)]], csrcs: [], paddingBytes: 1 },
      { extensions: [[15, Buffer.from('a')]], csrcs: [], paddingBytes: 255 },
      { extensions: [[200, Buffer.alloc(255, 1)]], csrcs: [3], paddingBytes: 4 },
      {
        extensions: [
          [1, Buffer.alloc(0)],
          [2, Buffer.alloc(17)],
        ],
        csrcs: [],
        paddingBytes: 0,
      },
      {
        extensions: [
          [3, Buffer.from('abc')],
          [4, Buffer.from('de')],
          [5, Buffer.from('f')],
        ],
        csrcs: [],
        paddingBytes: 0,
      },
    ];
    for (const row of rows) {
      for (const payload of [Buffer.alloc(0), Buffer.from('payload')]) {
        const extensions = new Map(row.extensions);
        const parsed = parseRtp(serializeRtp({ ...PLAIN, ...row, extensions, payload }));
        assert.deepEqual(parsed, { ...PLAIN, ...row, extensions, payload });
      }
    }
  });

  it('use the one-byte form of header extensions when it can hold them, and the two-byte form when not', () => {
    const short = serializeRtp({ ...PLAIN, payload: Buffer.alloc(0), extensions: new Map([[1, Buffer.from('x')]]) });
    const long = serializeRtp({ ...PLAIN, payload: Buffer.alloc(0), extensions: new Map([[1, Buffer.alloc(17)]]) });
    assert.equal(short.readUInt16BE(12), 0xbede);
    assert.equal(long.readUInt16BE(12), 0x1000);
  });

  it('are read as RFC 8285 shows them: fill between elements, id 15 ends the list', () => {
    const header = Buffer.from('9060000100000002000000030000', 'hex').subarray(0, 12);
    const block = Buffer.from('bede0003' + '10aa' + '0000' + '21bbcc' + '00' + 'f0' + '30dd' + '00', 'hex');
    const parsed = parseRtp(Buffer.concat([header, block, Buffer.from('77', 'hex')]));
    assert.deepEqual(
      parsed?.extensions,
      new Map([
        [1, Buffer.from('aa', 'hex')],
        [2, Buffer.from('bbcc', 'hex')],
      ]),
    );
    assert.deepEqual(parsed.payload, Buffer.from('77', 'hex'));
  });

  it('share the memory of the buffer that was parsed', () => {
    const buffer = serializeRtp({ ...PLAIN, payload: Buffer.from('abc') });
    assert.equal(parseRtp(buffer)?.payload.buffer, buffer.buffer);
  });

  it('are refused when they are cut short, of another version or padded beyond their payload', () => {
    const whole = serializeRtp({
      ...PLAIN,
      csrcs: [1, 2],
      extensions: new Map([[1, Buffer.from('xyz')]]),
      payload: Buffer.alloc(0),
    });
    for (let length = 0; length < whole.length; length++) {
      assert.equal(parseRtp(whole.subarray(0, length)), undefined, `${length} bytes`);
    }
    const version1 = Buffer.from(whole);
    version1[0] = 0x40;
    assert.equal(parseRtp(version1), undefined);
    const padded = serializeRtp({ ...PLAIN, payload: Buffer.alloc(0), paddingBytes: 4 });
    padded[padded.length - 1] = 5;
    assert.equal(parseRtp(padded), undefined);
    padded[padded.length - 1] = 0;
    assert.equal(parseRtp(padded), undefined);
  });

  it('of random bytes never make the parser throw or read outside', () => {
    const random = seededRandom(1);
    let parsedCount = 0;
    for (let i = 0; i < 20_000; i++) {
      const bytes = randomBytes(random, Math.floor(random() * 80));
      if (bytes.length > 0) bytes[0] = 0x80 | ((bytes[0] ?? 0) & 0x3f);
      const parsed = parseRtp(bytes);
      if (parsed === undefined) continue;
      parsedCount += 1;
      assert.ok(parsed.payload.length + parsed.paddingBytes <= bytes.length - 12);
    }
    assert.ok(parsedCount > 1000);
  });

  it('are told from RTCP by the second byte', () => {
    assert.equal(isRtcp(Buffer.from([0x80, 200])), true);
    assert.equal(isRtcp(Buffer.from([0x80, 96])), false);
    assert.equal(isRtcp(Buffer.from([0x80, 0x80 | 111])), false);
    assert.equal(isRtcp(Buffer.alloc(0)), false);
  });
});
