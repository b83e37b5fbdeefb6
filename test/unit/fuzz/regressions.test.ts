import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type { Callback } from '../../../coreservice/ipc/callbacks.js';
import { CORE_TO_HOST } from '../../../coreservice/ipc/direction.js';
import { eventOfCallback } from '../../../daemon/engine/callback_event.js';
import { serializeFrame } from '../../../daemon/media/frame_message.js';
import { frameOfCallback } from '../../../daemon/media/media_frame.js';
import { GetEventHandlerResponse } from '../../../gen/alirtc/v1/events.js';
import { encryptedRecords } from '../../../webrtc/dtls_records.js';
import { parseSdp } from '../../../webrtc/sdp/parse_sdp.js';
import { isAuthenticRequest } from '../../../webrtc/stun_check.js';
import { decode } from '../../fuzz/properties/ipc.js';
import { corpus } from '../../fuzz/support/corpus.js';
import { unitOf } from '../../fuzz/support/ipc_messages.js';

const LIMITS = { maxMessageBytes: 1 << 20, maxPayloadBytes: 1 << 20 };
const NOW_US = 1_700_000_000_000_000;

/** What a host makes of the JSON text of one callback. */
function callbacksOf(text: string): { callbacks: Callback[]; error: string | undefined } {
  const { messages, error } = decode(CORE_TO_HOST, [unitOf(text)], LIMITS);
  return { callbacks: messages as Callback[], error };
}

function sendable(callback: Callback): GetEventHandlerResponse {
  const bytes = GetEventHandlerResponse.encode({
    sequence: 1,
    timeUs: NOW_US,
    event: eventOfCallback(callback),
  }).finish();
  return GetEventHandlerResponse.decode(bytes);
}

/** The inputs that `make fuzz` found, and what they did. */
describe('Input that was found by fuzzing', () => {
  it('lists in lists, 100,000 deep, where a number belongs: were no protocol error, but an overflow of the stack', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const { error } = callbacksOf(`{"Request":1017,"errorCode":${deep}}`);
    assert.match(error ?? '', /ERROR key "errorCode": is a value that is nested too deeply, must be a whole number/);
  });

  it('a number of 1e999: was infinity, and the event could not be sent', () => {
    const [callback] = callbacksOf('{"Request":1071,"uid":"a","timeCost":1e999}').callbacks;
    assert.ok(callback !== undefined);
    const { event } = sendable(callback);
    assert.deepEqual(event, { $case: 'onFirstRemoteAudioPacket', value: { uid: 'a', timeCostMs: 2 ** 31 - 1 } });
  });

  it('statistics beyond 32 bits: bytes are kept, percents are cut', () => {
    const [callback] = callbacksOf(
      '{"Request":1062,"sentBytes":4294967296,"sentLossRate":-4294967295,"systemCpu":1e300}',
    ).callbacks;
    assert.ok(callback !== undefined);
    const { event } = sendable(callback);
    assert.equal(event?.$case, 'onCallStats');
    assert.equal(event?.value.sentBytes, 4_294_967_296);
    assert.equal(event?.value.sentLossRatePercent, -(2 ** 31 - 1));
    assert.ok(Number.isFinite(event?.value.systemCpuPercent));
  });

  it("an error's further number beyond 32 bits is left out", () => {
    const [callback] = callbacksOf('{"Request":1017,"errorCode":1,"alirtcd":{"number":9007199254740992}}').callbacks;
    assert.ok(callback !== undefined);
    const { event } = sendable(callback);
    assert.equal(event?.$case === 'onError' && event.value.number, 1);
  });

  for (const [title, alirtcd] of [
    ['without a path', { ring: {} }],
    ['that is a number', { ring: 7 }],
    ['of a length that no picture has', { ring: { path: '/x', offset: 0, length: 2 ** 40, generation: 1 } }],
    ['of a negative place', { ring: { path: '/x', offset: -1, length: 10, generation: 1 } }],
  ] as [string, object][])
    it(`a picture in a ring ${title}: ended the daemon; it is a picture without a ring`, () => {
      const fields = { uid: 'a', track: 1, type: 0, frame_ms: 1, width: 2, height: 2, frame_num: 1, frame_size: 0 };
      const [callback] = callbacksOf(JSON.stringify({ Request: 1021, ...fields, alirtcd })).callbacks;
      assert.ok(callback !== undefined);
      const frame = frameOfCallback(callback, NOW_US);
      assert.equal(frame?.ring, undefined);
    });

  it('a frame of a time and a count that cannot be is sent with the time of its arrival', () => {
    const fields = { uid: 'a', track: 1, type: 0, frame_ms: 1, width: 2, height: 2, frame_num: 1, frame_size: 0 };
    const alirtcd = { captureTimeUs: 1e300, sequence: -3, keyFrame: 'x' };
    const [callback] = callbacksOf(JSON.stringify({ Request: 1025, ...fields, alirtcd })).callbacks;
    assert.ok(callback !== undefined);
    const frame = frameOfCallback(callback, NOW_US);
    assert.ok(frame !== undefined);
    assert.equal(frame.captureTimeUs, NOW_US);
    assert.equal(frame.coreSequence, undefined);
    assert.equal(frame.keyFrame, false);
    serializeFrame({ sequence: 1, droppedBefore: 0, discontinuity: false, frame });
  });

  it('a description of 60,000 lines in one m-line took seconds: is refused', () => {
    const [sdp = Buffer.alloc(0)] = corpus('sdp');
    const text = `${sdp.toString()}${'a=rtpmap:96 x/1\r\n'.repeat(60_000)}`;
    assert.throws(() => parseSdp(text), /more than 2000 lines for one m-line/);
  });

  it('a payload type named 300,000 times in one m-line is one payload type; simulcast has at most 16 layers', () => {
    const formats = '96 '.repeat(300_000);
    const rids = Array.from({ length: 1000 }, (_, index) => `r${index}`).join(';');
    const text = `v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF ${formats}97\r\na=rtpmap:96 VP8/90000\r\na=simulcast:send ${rids}\r\n`;
    const [media] = parseSdp(text).media;
    assert.ok(media !== undefined);
    assert.deepEqual(media.formats, ['96', '97']);
    assert.equal(media.codecs.length, 1);
    assert.equal(media.simulcast.length, 16);
  });
});

/** RFC 8489 section 14: type, length, value, filled up to words. */
function attribute(type: number, value: Buffer): Buffer {
  const out = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  out.writeUInt16BE(type, 0);
  out.writeUInt16BE(value.length, 2);
  value.copy(out, 4);
  return out;
}

function bindingRequest(username: string, password: string): Buffer {
  const name = attribute(0x0006, Buffer.from(username));
  const head = Buffer.alloc(20);
  head.writeUInt16BE(1, 0);
  head.writeUInt16BE(name.length + 24, 2);
  head.writeUInt32BE(0x2112a442, 4);
  const signed = Buffer.concat([head, name]);
  return Buffer.concat([signed, attribute(0x0008, createHmac('sha1', password).update(signed).digest())]);
}

describe('A stranger at an ICE port', () => {
  const passwordOf = (fragment: string): string | undefined => (fragment === 'ours' ? 'secret' : undefined);

  it('made checks that were taken: one without the password is none', () => {
    const request = bindingRequest('ours:theirs', 'secret');
    assert.equal(isAuthenticRequest(request, passwordOf), true);
    assert.equal(isAuthenticRequest(bindingRequest('ours:theirs', 'guessed'), passwordOf), false);
    assert.equal(isAuthenticRequest(bindingRequest('others:theirs', 'secret'), passwordOf), false);
    for (let at = 0; at < request.length; at++) {
      const changed = Buffer.from(request);
      changed[at] = (changed[at] ?? 0) ^ 1;
      // The length in the head is not what is signed: it is as if the integrity were last (RFC 8489 section 14.5).
      if (at !== 2 && at !== 3) assert.equal(isAuthenticRequest(changed, passwordOf), false, `byte ${at}`);
      assert.equal(isAuthenticRequest(request.subarray(0, at), passwordOf), false, `${at} bytes`);
    }
  });

  it('ended connections by a DTLS alert in the clear: behind the handshake only encrypted records are taken', () => {
    const record = (type: number, epoch: number, body: string): Buffer => {
      const head = Buffer.from([type, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 1, 0, body.length]);
      return Buffer.concat([head, Buffer.from(body)]);
    };
    const alert = record(21, 0, '\x01\x00');
    const data = record(23, 1, 'sealed');
    assert.equal(encryptedRecords(alert), undefined);
    assert.equal(encryptedRecords(record(23, 0, 'data')), undefined);
    assert.equal(encryptedRecords(record(22, 0, '\x01hello')), undefined);
    assert.deepEqual(encryptedRecords(data), data);
    assert.deepEqual(encryptedRecords(Buffer.concat([alert, data, alert, data])), Buffer.concat([data, data]));
    assert.equal(encryptedRecords(data.subarray(0, 15)), undefined);
    assert.equal(encryptedRecords(Buffer.alloc(0)), undefined);
  });
});
