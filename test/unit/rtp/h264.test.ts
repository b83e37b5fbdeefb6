import assert from 'node:assert/strict';
import {
  H264Depacketizer,
  h264PayloadSize,
  isH264KeyFrame,
  isH264KeyFrameStart,
  joinAnnexB,
  packetizeH264,
  parseSps,
  splitAnnexB,
} from '../../../rtp/h264.js';
import { escapeNal, unescapeNal } from '../../../rtp/h264_nal.js';
import { BitWriter, makePps, makeSlice, makeSps, randomBytes, seededRandom } from './helpers.js';

const SPS = makeSps(1280, 720);
const PPS = makePps();
const IDR = makeSlice(seededRandom(5), true, 5000);
const DELTA = makeSlice(seededRandom(6), false, 300);

function sps(profile: number, fill: (writer: BitWriter) => void): Buffer {
  const writer = new BitWriter().u(8, profile).u(8, 0).u(8, 40).ue(0);
  fill(writer);
  return Buffer.concat([Buffer.of(0x67), escapeNal(writer.bytes())]);
}

describe('Annex B', () => {
  it('is split at start codes of three and four bytes, trailing zeros taken off', () => {
    const stream = Buffer.from('00000001' + '6742' + '000001' + '68ce' + '000000000001' + '6588' + '0000', 'hex');
    assert.deepEqual(
      splitAnnexB(stream).map((nal) => nal.toString('hex')),
      ['6742', '68ce', '6588'],
    );
    assert.deepEqual(splitAnnexB(Buffer.alloc(0)), []);
    assert.deepEqual(splitAnnexB(Buffer.from('0000010000010000', 'hex')), []);
    assert.deepEqual(splitAnnexB(Buffer.from('no start code')), []);
  });

  it('joined and split gives the same units', () => {
    const nals = [SPS, PPS, IDR, DELTA];
    assert.deepEqual(splitAnnexB(joinAnnexB(nals)), nals);
  });

  it('escapes and unescapes any bytes', () => {
    const random = seededRandom(3);
    for (let i = 0; i < 2000; i++) {
      const raw = randomBytes(random, 1 + Math.floor(random() * 40)).map((byte) => byte & 3);
      const escaped = escapeNal(Buffer.from(raw));
      assert.equal(hasStartCode(escaped), false);
      const back = unescapeNal(escaped);
      assert.deepEqual(back.subarray(0, raw.length), Buffer.from(raw));
    }
  });

  function hasStartCode(bytes: Buffer): boolean {
    for (let i = 0; i + 2 < bytes.length; i++) {
      if (bytes[i] === 0 && bytes[i + 1] === 0 && (bytes[i + 2] ?? 9) <= 2) return true;
    }
    return false;
  }
});

describe('H.264 payloads', () => {
  it('carry any access unit bit by bit, at every payload size', () => {
    const random = seededRandom(2);
    for (const maxPayloadBytes of [16, 17, 100, 1100, 1200]) {
      for (let i = 0; i < 40; i++) {
        const nals = Array.from({ length: 1 + Math.floor(random() * 5) }, () =>
          makeSlice(random, false, 4 + Math.floor(random() * 3000)),
        );
        const payloads = packetizeH264(joinAnnexB(nals), maxPayloadBytes);
        for (const payload of payloads) assert.ok(payload.length <= maxPayloadBytes);
        assert.deepEqual(new H264Depacketizer().assemble(payloads)?.data, joinAnnexB(nals));
      }
    }
  });

  it('carry units exactly as long as the limit and one byte around it', () => {
    for (const bytes of [98, 99, 100, 101, 196, 197, 198]) {
      const nal = Buffer.alloc(bytes, 0x41);
      const payloads = packetizeH264([nal], 100);
      assert.deepEqual(new H264Depacketizer().assemble(payloads)?.data, joinAnnexB([nal]));
      assert.equal(payloads.length, bytes <= 100 ? 1 : Math.ceil((bytes - 1) / 98));
    }
  });

  it('hold SPS and PPS in one STAP-A, fragments in FU-A with start and end bits', () => {
    const payloads = packetizeH264(joinAnnexB([SPS, PPS, IDR]), 1100);
    assert.equal((payloads[0]?.[0] ?? 0) & 0x1f, 24);
    assert.equal((payloads[0]?.[0] ?? 0) & 0x60, 0x60);
    const fragments = payloads.slice(1);
    assert.deepEqual(
      fragments.map((payload) => (payload[0] ?? 0) & 0x1f),
      fragments.map(() => 28),
    );
    assert.deepEqual(
      fragments.map((payload) => (payload[1] ?? 0) >> 6),
      fragments.map((_, i) => (i === 0 ? 2 : i === fragments.length - 1 ? 1 : 0)),
    );
  });

  it('of a single unit are views without a copy', () => {
    const unit = joinAnnexB([DELTA]);
    assert.equal(packetizeH264(unit, 1100)[0]?.buffer, unit.buffer);
  });

  it('with a fragment missing, repeated or out of order make no frame', () => {
    const payloads = packetizeH264([IDR], 1100);
    const [first, second, ...rest] = payloads;
    assert.ok(first !== undefined && second !== undefined);
    const depacketizer = new H264Depacketizer();
    assert.equal(depacketizer.assemble(payloads.slice(1)), undefined);
    assert.equal(depacketizer.assemble(payloads.slice(0, -1)), undefined);
    assert.equal(depacketizer.assemble([first, first, second, ...rest]), undefined);
    assert.equal(depacketizer.assemble([first, DELTA, second, ...rest]), undefined);
    assert.equal(depacketizer.assemble([]), undefined);
  });

  it('of random bytes never make the depacketizer throw', () => {
    const random = seededRandom(4);
    let frames = 0;
    for (let i = 0; i < 10_000; i++) {
      const depacketizer = new H264Depacketizer();
      const payloads = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
        const bytes = randomBytes(random, Math.floor(random() * 40));
        if (random() < 0.5 && bytes.length > 0) bytes[0] = random() < 0.5 ? 24 : 28;
        return bytes;
      });
      if (depacketizer.assemble(payloads) !== undefined) frames += 1;
      payloads.forEach(isH264KeyFrameStart);
    }
    assert.ok(frames > 100);
  });
});

describe('H.264 key frames', () => {
  it('are access units with an IDR slice, alone or behind parameter sets', () => {
    assert.equal(isH264KeyFrame(joinAnnexB([IDR])), true);
    assert.equal(isH264KeyFrame(joinAnnexB([SPS, PPS, IDR])), true);
    assert.equal(isH264KeyFrame(joinAnnexB([SPS, PPS, DELTA])), false);
    assert.equal(isH264KeyFrame(Buffer.alloc(0)), false);
  });

  it('are not made by a recovery point', () => {
    const recoveryPoint = Buffer.from('060601c480', 'hex');
    const unit = joinAnnexB([recoveryPoint, DELTA]);
    assert.equal(isH264KeyFrame(unit), false);
    const depacketizer = new H264Depacketizer();
    assert.equal(depacketizer.assemble(packetizeH264(unit, 1100))?.keyFrame, false);
  });

  it('are known by size, and come with parameter sets when the stream does not repeat them', () => {
    const depacketizer = new H264Depacketizer();
    const first = depacketizer.assemble(packetizeH264([SPS, PPS, IDR], 1100));
    assert.deepEqual([first?.keyFrame, first?.width, first?.height], [true, 1280, 720]);
    const bare = depacketizer.assemble(packetizeH264([IDR], 1100));
    assert.deepEqual([bare?.keyFrame, bare?.width, bare?.height], [true, 1280, 720]);
    assert.deepEqual(splitAnnexB(bare?.data ?? Buffer.alloc(0)), [SPS, PPS, IDR]);
    const aud = Buffer.from('0910', 'hex');
    const withAud = depacketizer.assemble(packetizeH264([aud, PPS, IDR], 1100));
    assert.deepEqual(splitAnnexB(withAud?.data ?? Buffer.alloc(0)), [aud, SPS, PPS, IDR]);
    const withSps = depacketizer.assemble(packetizeH264([aud, SPS, IDR], 1100));
    assert.deepEqual(splitAnnexB(withSps?.data ?? Buffer.alloc(0)), [aud, SPS, PPS, IDR]);
  });

  it('use the newest parameter sets, and those of the session description', () => {
    const depacketizer = new H264Depacketizer();
    assert.equal(depacketizer.assemble(packetizeH264([IDR], 1100))?.keyFrame, false);
    depacketizer.addParameterSet(SPS);
    depacketizer.addParameterSet(PPS);
    assert.equal(depacketizer.assemble(packetizeH264([IDR], 1100))?.keyFrame, true);
    const small = makeSps(320, 180);
    depacketizer.assemble(packetizeH264([small, PPS], 1100));
    const unit = depacketizer.assemble(packetizeH264([IDR], 1100));
    assert.deepEqual([unit?.width, unit?.height], [320, 180]);
    assert.deepEqual(splitAnnexB(unit?.data ?? Buffer.alloc(0)), [small, PPS, IDR]);
  });

  it('tell the size by a payload with the parameter set, alone or in a STAP-A', () => {
    const [first, ...others] = packetizeH264([SPS, PPS, IDR], 1100);
    for (const payload of [first ?? assert.fail(), SPS])
      assert.deepEqual(h264PayloadSize(payload), { width: 1280, height: 720 });
    const cut = first?.subarray(0, 6) ?? assert.fail();
    for (const payload of [...others, PPS, DELTA, Buffer.alloc(0), cut])
      assert.equal(h264PayloadSize(payload), undefined);
  });

  it('are seen in their first payload only', () => {
    const payloads = packetizeH264([SPS, PPS, IDR], 1100);
    assert.deepEqual(
      payloads.map(isH264KeyFrameStart),
      payloads.map((_, i) => i <= 1), // The STAP-A, and the first fragment of the IDR slice.
    );
    assert.deepEqual(
      packetizeH264([DELTA], 100).map(isH264KeyFrameStart),
      packetizeH264([DELTA], 100).map(() => false),
    );
    const seiFirst = packetizeH264([Buffer.from('0605', 'hex'), SPS, PPS], 1100);
    assert.deepEqual(seiFirst.map(isH264KeyFrameStart), [true]);
  });
});

describe('The SPS parser', () => {
  it('reads width and height with cropping', () => {
    for (const [width, height] of [
      [1280, 720],
      [1920, 1080],
      [640, 360],
      [320, 180],
      [854, 480],
      [16, 16],
      [2, 2],
    ] as const) {
      const parsed = parseSps(makeSps(width, height));
      assert.deepEqual([parsed?.width, parsed?.height, parsed?.profileIdc], [width, height, 66]);
    }
  });

  it('reads parameter sets of real encoders', () => {
    // OpenH264 of a browser at 640x480, x264 High at 1920x1080.
    const browser = parseSps(Buffer.from('6742c01f8c8d40501e900f08846a', 'hex'));
    assert.deepEqual([browser?.width, browser?.height], [640, 480]);
    const x264 = parseSps(Buffer.from('67640028acd940780227e5c044000003000400000300f03c60c658', 'hex'));
    assert.deepEqual([x264?.width, x264?.height, x264?.profileIdc], [1920, 1080, 100]);
  });

  it('reads High profiles with scaling lists, 4:4:4, interlaced and order type 1', () => {
    const high = sps(100, (w) => {
      w.ue(1).ue(0).ue(0).u(1, 0).u(1, 1); // 4:2:0 with a scaling matrix
      for (let i = 0; i < 8; i++) {
        w.u(1, i === 0 || i === 7 ? 1 : 0);
        if (i === 0) for (let k = 0; k < 16; k++) w.se(k === 0 ? 4 : 0);
        if (i === 7) w.se(-8); // next scale 0: the rest repeats
      }
      w.ue(0).ue(1).u(1, 0).se(-2).se(3).ue(2).se(1).se(-1); // order type 1
      w.ue(4).u(1, 0).ue(79).ue(44).u(1, 1).u(1, 1).u(1, 0).u(1, 0);
    });
    assert.deepEqual([parseSps(high)?.width, parseSps(high)?.height], [1280, 720]);
    const full = sps(244, (w) => {
      w.ue(3).u(1, 0).ue(0).ue(0).u(1, 0).u(1, 0).ue(0).ue(2).ue(1).u(1, 0);
      w.ue(39).ue(22).u(1, 1).u(1, 1).u(1, 1).ue(0).ue(0).ue(0).ue(7).u(1, 0); // cropped in steps of 1
    });
    assert.deepEqual([parseSps(full)?.width, parseSps(full)?.height], [640, 361]);
    const interlaced = sps(77, (w) => {
      w.ue(0).ue(0).ue(4).ue(2).u(1, 0);
      w.ue(119).ue(33).u(1, 0).u(1, 1).u(1, 1).u(1, 1).ue(0).ue(0).ue(0).ue(2).u(1, 0); // steps of 4
    });
    assert.deepEqual([parseSps(interlaced)?.width, parseSps(interlaced)?.height], [1920, 1080]);
  });

  it('gives undefined for what is cut short, absurd or random, and never throws', () => {
    const whole = makeSps(1920, 1080);
    for (let length = 0; length < whole.length - 1; length++)
      assert.equal(parseSps(whole.subarray(0, length)), undefined);
    assert.equal(parseSps(PPS), undefined);
    const random = seededRandom(9);
    for (let i = 0; i < 20_000; i++) {
      const bytes = randomBytes(random, Math.floor(random() * 60));
      if (bytes.length > 1) {
        bytes[0] = 0x67;
        bytes[1] = random() < 0.5 ? 100 : 66;
      }
      const parsed = parseSps(bytes);
      if (parsed !== undefined) assert.ok(parsed.width > 0 && parsed.width < 20_000 && parsed.height > 0);
    }
  });
});
