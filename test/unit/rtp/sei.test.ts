import assert from 'node:assert/strict';
import { joinAnnexB, splitAnnexB } from '../../../rtp/h264.js';
import { buildSei, findSei, insertSei, parseSei } from '../../../rtp/sei.js';
import { makePps, makeSlice, makeSps, randomBytes, seededRandom } from './helpers.js';

const UUID = Buffer.from('00000000000000000000010203040506', 'hex');
const SPS = makeSps(640, 360);
const PPS = makePps();
const IDR = makeSlice(seededRandom(1), true, 100);

describe('SEI user data', () => {
  it('comes back byte by byte at every size, zeros and start codes included', () => {
    const random = seededRandom(7);
    for (const size of [0, 1, 2, 238, 239, 240, 255, 256, 493, 494, 495, 1000, 4095, 4096, 4112]) {
      for (const data of [Buffer.alloc(size), randomBytes(random, size), Buffer.alloc(size, Buffer.from([0, 0, 1]))]) {
        const nal = buildSei(UUID, data);
        assert.deepEqual(parseSei(nal), [{ uuid: UUID, data }]);
        assert.deepEqual(splitAnnexB(joinAnnexB([nal, IDR])), [nal, IDR]);
      }
    }
  });

  it('needs a UUID of 16 bytes', () => {
    assert.throws(() => buildSei(Buffer.alloc(15), Buffer.alloc(1)), RangeError);
  });

  it('goes in front of the first slice, behind parameter sets; several keep their order', () => {
    const a = buildSei(UUID, Buffer.from('a'));
    const b = buildSei(UUID, Buffer.from('b'));
    const unit = insertSei(insertSei(joinAnnexB([SPS, PPS, IDR, IDR]), a), b);
    assert.deepEqual(splitAnnexB(unit), [SPS, PPS, a, b, IDR, IDR]);
    assert.deepEqual(splitAnnexB(insertSei(joinAnnexB([SPS]), a)), [SPS, a]);
    assert.deepEqual(
      findSei(unit).map((sei) => sei.data.toString()),
      ['a', 'b'],
    );
  });

  it('goes in front of a slice with a start code of three bytes too', () => {
    const unit = Buffer.concat([Buffer.from([0, 0, 1]), PPS, Buffer.from([0, 0, 1]), IDR]);
    const sei = buildSei(UUID, Buffer.from('x'));
    assert.deepEqual(splitAnnexB(insertSei(unit, sei)), [PPS, sei, IDR]);
  });

  it('is found among other messages of one unit', () => {
    const other = Buffer.from([4, 3, 1, 2, 3]); // user_data_registered
    const one = buildSei(UUID, Buffer.from('one')).subarray(1, -1);
    const two = buildSei(UUID, Buffer.from('two')).subarray(1, -1);
    const nal = Buffer.concat([Buffer.of(6), other, one, other, two, Buffer.of(0x80)]);
    assert.deepEqual(
      parseSei(nal).map((sei) => sei.data.toString()),
      ['one', 'two'],
    );
    assert.deepEqual(parseSei(IDR), []);
  });

  it('that is cut short or random never makes the parser throw', () => {
    const whole = buildSei(UUID, Buffer.from('some data'));
    for (let length = 0; length < whole.length - 1; length++) assert.deepEqual(parseSei(whole.subarray(0, length)), []);
    const random = seededRandom(8);
    for (let i = 0; i < 20_000; i++) {
      const bytes = randomBytes(random, Math.floor(random() * 64));
      if (bytes.length > 1) bytes.set([6, 5]);
      parseSei(bytes);
      findSei(bytes);
      insertSei(bytes, whole);
    }
  });
});
