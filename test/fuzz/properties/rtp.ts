import assert from 'node:assert/strict';
import { h264KeyFrameStart, h264PayloadSize, H264Depacketizer } from '../../../rtp/h264_depacketizer.js';
import { escapeNal, joinAnnexB, splitAnnexB, unescapeNal } from '../../../rtp/h264_nal.js';
import { packetizeH264 } from '../../../rtp/h264_packetizer.js';
import { parameterSetId, parseSps } from '../../../rtp/h264_sps.js';
import { opusPacketSamples } from '../../../rtp/opus.js';
import { parseRtp, serializeRtp } from '../../../rtp/packet.js';
import { parseRtcp, serializeRtcp, type RtcpMessage } from '../../../rtp/rtcp.js';
import { buildSei, findSei, insertSei, parseSei } from '../../../rtp/sei.js';
import { SRTP_SALT_BYTES, SrtpSession } from '../../../rtp/srtp.js';
import { Vp8Depacketizer, isVp8KeyFrameStart, parseVp8Descriptor, parseVp8KeyFrame } from '../../../rtp/vp8.js';
import { corpus } from '../support/corpus.js';
import { mutate } from '../support/mutate.js';
import type { Property } from '../support/property.js';
import type { Random } from '../support/random.js';
import { BUFFER_PROPERTIES } from './rtp_buffers.js';
import { FORWARD_PROPERTIES } from './rtp_forwarding.js';

function brokenRtp(random: Random): Buffer {
  const real = corpus('rtp');
  return mutate(random, random.pick(real), real);
}

function brokenRtcp(random: Random): Buffer {
  const real = corpus('rtcp');
  const parts = Array.from({ length: 1 + random.below(3) }, () => random.pick(real));
  return mutate(random, Buffer.concat(parts), real);
}

/** The payload of a real packet, whole or broken. */
export function payload(random: Random): Buffer {
  const packet = parseRtp(random.pick(corpus('rtp')));
  const whole = packet?.payload ?? Buffer.alloc(0);
  return random.chance(0.3) ? whole : mutate(random, whole);
}

/** What a message says, without what writing it may change in form: the order of a NACK's numbers. */
function meaning(message: RtcpMessage): unknown {
  if (message.kind === 'nack') return { ...message, sequences: [...new Set(message.sequences)].sort((a, b) => a - b) };
  if (message.kind === 'sdes' || message.kind === 'bye') return message.kind;
  // The lowest bits of a REMB's rate do not fit its 18 bits.
  if (message.kind === 'remb') return message.ssrcs;
  return message;
}

function key(random: Random): { profile: 'AEAD_AES_128_GCM' | 'AES128_CM_HMAC_SHA1_80'; key: Buffer; salt: Buffer } {
  const profile = random.pick(['AEAD_AES_128_GCM', 'AES128_CM_HMAC_SHA1_80'] as const);
  return { profile, key: random.bytes(16), salt: random.bytes(SRTP_SALT_BYTES[profile]) };
}

const PARSER_PROPERTIES: readonly Property[] = [
  {
    name: 'rtp_is_refused_or_can_be_written_again',
    run: (random) => {
      const packet = parseRtp(brokenRtp(random));
      if (packet === undefined) return;
      const again = parseRtp(serializeRtp(packet));
      // One without elements needs no extension block.
      assert.deepEqual(again, packet);
    },
  },
  {
    name: 'rtcp_is_read_without_a_throw_and_means_the_same_when_written',
    run: (random) => {
      const messages = parseRtcp(brokenRtcp(random));
      const again = parseRtcp(serializeRtcp(messages));
      assert.deepEqual(again.map(meaning), messages.map(meaning));
    },
  },
  {
    name: 'h264_and_vp8_payloads_make_frames_or_nothing',
    run: (random) => {
      const h264 = new H264Depacketizer();
      const vp8 = new Vp8Depacketizer();
      for (let count = 1 + random.below(4); count > 0; count--) {
        const payloads = Array.from({ length: 1 + random.below(6) }, () => payload(random));
        const most = payloads.reduce((sum, each) => sum + each.length, 0);
        for (const frame of [h264.assemble(payloads), vp8.assemble(payloads)]) {
          if (frame === undefined) continue;
          assert.ok(frame.data.length > 0);
          assert.ok(frame.data.length <= 3 * most + 128 * 4200, `${frame.data.length} of ${most} bytes`);
          assert.ok(frame.width <= 16_384 && frame.height <= 16_384);
        }
        for (const each of payloads) {
          h264KeyFrameStart(each);
          const size = h264PayloadSize(each);
          if (size !== undefined) assert.ok(size.width > 0 && size.height > 0);
          isVp8KeyFrameStart(each);
          const descriptor = parseVp8Descriptor(each);
          if (descriptor !== undefined) parseVp8KeyFrame(each.subarray(descriptor.bytes));
          const samples = opusPacketSamples(each);
          assert.ok(samples >= 0 && samples <= 5760, `${samples} samples`);
        }
      }
    },
  },
  {
    name: 'parameter_sets_are_read_or_refused',
    run: (random) => {
      const nals = splitAnnexB(joinAnnexB([payload(random), payload(random)]));
      for (const nal of [...nals, Buffer.concat([Buffer.of(0x67), random.bytes(random.below(40))])]) {
        const sps = parseSps(nal);
        if (sps !== undefined) assert.ok(sps.width > 0 && sps.height > 0 && sps.id <= 31);
        const id = parameterSetId(nal);
        if (id !== undefined) assert.ok(Number.isInteger(id) && id >= 0 && id <= 255);
      }
      const raw = random.bytes(random.below(200)).map((byte) => byte & 3);
      const bytes = Buffer.from([0x65, ...raw, 1]);
      assert.deepEqual(unescapeNal(escapeNal(bytes)), bytes);
    },
  },
  {
    name: 'h264_is_packetized_and_put_together_again',
    run: (random) => {
      const nals = Array.from({ length: 1 + random.below(5) }, () => {
        const body = random.bytes(1 + random.size(5000));
        body[body.length - 1] = 0x80;
        return Buffer.concat([Buffer.of(0x60 | random.pick([1, 6, 9])), escapeNal(body)]);
      });
      const unit = joinAnnexB(nals);
      const frame = new H264Depacketizer().assemble(packetizeH264(unit, 16 + random.below(1400)));
      assert.deepEqual(frame?.data, unit);
    },
  },
  {
    name: 'sei_is_found_where_it_was_put_and_never_throws',
    run: (random) => {
      const unit = mutate(random, joinAnnexB([payload(random), payload(random)]));
      findSei(unit);
      parseSei(mutate(random, buildSei(random.bytes(16), random.bytes(random.size(2000)))));
      const uuid = random.bytes(16);
      const data = random.bytes(random.size(4096));
      const clean = joinAnnexB([Buffer.of(0x65, 0x88, 0x80)]);
      assert.deepEqual(findSei(insertSei(clean, buildSei(uuid, data))), [{ uuid, data }]);
      insertSei(unit, buildSei(uuid, data));
    },
  },
  {
    name: 'srtp_takes_what_is_whole_and_nothing_else',
    run: (random) => {
      const { profile, key: master, salt } = key(random);
      const keys = { profile, localKey: master, localSalt: salt, remoteKey: master, remoteSalt: salt };
      const sender = new SrtpSession(keys);
      const receiver = new SrtpSession(keys);
      for (let count = 1 + random.below(20); count > 0; count--) {
        const isRtcp = random.chance(0.4);
        const plain = Buffer.from(random.pick(corpus(isRtcp ? 'rtcp' : 'rtp')));
        const open = (bytes: Buffer): Buffer | undefined =>
          isRtcp ? receiver.unprotectRtcp(bytes) : receiver.unprotectRtp(bytes);
        const sealed = isRtcp ? sender.protectRtcp(Buffer.from(plain)) : sender.protectRtp(Buffer.from(plain));
        const broken = mutate(random, sealed);
        if (!broken.equals(sealed)) assert.equal(open(broken), undefined, 'a changed packet was taken');
        open(random.bytes(random.below(60)));
        const opened = open(Buffer.from(sealed));
        // A real packet that is picked twice is a repeat, which the receiver refuses.
        if (opened !== undefined) assert.deepEqual(opened, plain);
        else assert.ok(!isRtcp, 'a whole RTCP packet was refused');
      }
    },
  },
];

export const RTP_PROPERTIES: readonly Property[] = [...PARSER_PROPERTIES, ...BUFFER_PROPERTIES, ...FORWARD_PROPERTIES];
