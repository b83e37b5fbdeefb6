import assert from 'node:assert/strict';
import { PollTimer } from '../../../coreservice/rtc/receive/poll_timer.js';
import { ReceivedAudioTrack } from '../../../coreservice/rtc/receive/received_audio_track.js';
import type { ReceiveContext } from '../../../coreservice/rtc/receive/received_stream.js';
import { ReceivedVideoTrack } from '../../../coreservice/rtc/receive/received_video_track.js';
import { TransportCcRecorder } from '../../../coreservice/rtc/receive/transport_cc_recorder.js';
import type { ReceivedSection } from '../../../coreservice/rtc/sdp/received_sections.js';
import type { AudioPacket, EncodedUnit } from '../../../coreservice/rtc/types.js';
import { unixUsToNtp } from '../../../rtp/clock.js';
import type { RtpPacket } from '../../../rtp/packet.js';
import { parseRtcp, serializeRtcp, type RtcpMessage } from '../../../rtp/rtcp.js';

class Bench {
  nowMs = 1000;
  readonly sent: RtcpMessage[] = [];
  readonly pollTimer = new PollTimer(() => this.nowMs);
  readonly context: ReceiveContext = {
    nowMs: () => this.nowMs,
    sendRtcp: (messages) => this.sent.push(...messages),
    pollTimer: this.pollTimer,
    localSsrc: 1,
  };

  kinds(): string[] {
    return this.sent.map((message) => message.kind);
  }
}

function section(kind: 'audio' | 'video'): ReceivedSection {
  const codecs = new Map(kind === 'video' ? ([[96, 'h264']] as const) : ([[111, 'opus']] as const));
  return {
    mid: '1',
    kind,
    trackSid: 'TR_x',
    ssrcs: [7],
    codecs: new Map<number, 'h264' | 'vp8' | 'opus'>(codecs),
    nack: true,
    transportCcId: undefined,
    midId: undefined,
  };
}

function packet(payloadType: number, sequence: number, timestamp: number, payload: Buffer): RtpPacket {
  return {
    marker: true,
    payloadType,
    sequence: sequence & 0xffff,
    timestamp: timestamp % 2 ** 32,
    ssrc: 7,
    csrcs: [],
    extensions: new Map(),
    payload,
    paddingBytes: 0,
  };
}

describe('a received sound track', () => {
  it('gives each packet once, numbered over the wrap, and asks for lost ones', () => {
    const bench = new Bench();
    const track = new ReceivedAudioTrack(section('audio'), bench.context);
    const packets: AudioPacket[] = [];
    track.on('packet', (each) => packets.push(each));
    const give = (i: number): void =>
      track.onRtp(packet(111, 65_534 + i, 2 ** 32 - 960 + 960 * i, Buffer.from([0xf8, i])), bench.nowMs);
    for (const i of [0, 1, 1, 4, 2]) {
      give(i);
      bench.nowMs += 20;
    }
    give(5);
    bench.pollTimer.close();
    assert.deepEqual(
      packets.map(({ sequence }) => sequence - 65_534),
      [0, 1, 4, 2, 5],
    );
    const [first, , third] = packets;
    assert.ok(first !== undefined && third !== undefined);
    assert.equal(third.timestamp - first.timestamp, 4 * 960);
    const nacks = bench.sent.filter((message) => message.kind === 'nack');
    assert.deepEqual(nacks[0]?.sequences, [1]);
    assert.equal(track.stats().frames, 5);
  });

  it("knows the time of capture by the sender's report", () => {
    const bench = new Bench();
    const track = new ReceivedAudioTrack(section('audio'), bench.context);
    const times: number[] = [];
    track.on('packet', ({ captureTimeUs }) => times.push(captureTimeUs));
    const unixUs = 1_700_000_000_000_000;
    track.onSenderReport(
      {
        kind: 'sender_report',
        ssrc: 7,
        ntp: unixUsToNtp(unixUs),
        rtpTimestamp: 48_000,
        packetCount: 1,
        octetCount: 1,
        reports: [],
      },
      bench.nowMs,
    );
    track.onRtp(packet(111, 1, 96_000, Buffer.from([0xf8])), bench.nowMs);
    bench.pollTimer.close();
    assert.ok(Math.abs((times[0] ?? 0) - unixUs - 1_000_000) <= 2, String(times[0]));
  });
});

describe('a received picture track', () => {
  const PARAMETER_SETS = [
    Buffer.from('6742c01fd900a00b7602d4040405000003000100000300328f183248', 'hex'),
    Buffer.from('68cb8cb2', 'hex'),
  ];

  /** SPS, PPS and a first slice in one aggregation packet (RFC 6184 section 5.7.1). */
  function keyFrame(): Buffer {
    const nals = [...PARAMETER_SETS, Buffer.from([0x65, 0x88, 0x84])];
    return Buffer.concat([
      Buffer.from([0x78]),
      ...nals.flatMap((nal) => [Buffer.from([nal.length >> 8, nal.length & 0xff]), nal]),
    ]);
  }

  it('asks for a key frame when it cannot begin, not more often than every 300 ms, and then more rarely', () => {
    const bench = new Bench();
    const track = new ReceivedVideoTrack(section('video'), bench.context);
    for (let i = 0; i < 100; i++) {
      track.onRtp(packet(96, i, i * 3000, Buffer.from([0x41, 0x9a, 1])), bench.nowMs);
      bench.nowMs += 33;
    }
    bench.pollTimer.close();
    const requests = bench.kinds().filter((kind) => kind === 'pli').length;
    assert.ok(requests >= 3 && requests <= 6, `${requests} requests in 3.3 s`);
    assert.equal(track.stats().keyFrameRequests, requests);
  });

  it('gives units from the key frame on, and asks for what is lost', () => {
    const bench = new Bench();
    const track = new ReceivedVideoTrack(section('video'), bench.context);
    const units: EncodedUnit[] = [];
    track.on('unit', (unit) => units.push(unit));
    track.onRtp(packet(96, 10, 3000, keyFrame()), bench.nowMs);
    track.onRtp(packet(96, 12, 9000, Buffer.from([0x41, 0x9a, 2])), bench.nowMs);
    bench.nowMs += 15;
    track.onRtp(packet(96, 13, 12_000, Buffer.from([0x41, 0x9a, 3])), bench.nowMs);
    const nack = bench.sent.find((message) => message.kind === 'nack');
    assert.deepEqual(nack?.sequences, [11]);
    track.onRtp(packet(96, 11, 6000, Buffer.from([0x41, 0x9a, 1])), bench.nowMs);
    bench.pollTimer.close();
    assert.deepEqual(
      units.map(({ timestamp }) => timestamp),
      [3000, 6000, 9000, 12_000],
    );
    assert.equal(units[0]?.keyFrame, true);
    assert.ok(units.every((unit) => !unit.afterLoss));
    assert.equal(track.stats().recovered, 1);
  });

  it('leaves out the tiny black key frames with which a LiveKit server ends what it forwards, and goes on behind them', () => {
    const bench = new Bench();
    const track = new ReceivedVideoTrack(
      { ...section('video'), codecs: new Map([[97, 'vp8' as const]]) },
      bench.context,
    );
    const sizes: number[] = [];
    track.on('unit', ({ width }) => sizes.push(width));
    // RFC 7741 section 4.2 and 4.3: the payload descriptor, the frame tag of a key frame, the start code, both sizes.
    const vp8 = (size: number): Buffer =>
      Buffer.from([0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, size & 0xff, size >> 8, size & 0xff, size >> 8, 0, 0, 0]);
    for (const [index, size] of [320, 8, 8, 320].entries())
      track.onRtp(packet(97, index, index * 3000, vp8(size)), bench.nowMs);
    bench.pollTimer.close();
    assert.deepEqual(sizes, [320, 320]);
    assert.equal(track.stats().frames, 2);
  });

  it('passes over payload types that were not negotiated, and everything after its end', () => {
    const bench = new Bench();
    const track = new ReceivedVideoTrack(section('video'), bench.context);
    let ended = 0;
    track.on('unit', () => assert.fail('a unit'));
    track.on('ended', () => (ended += 1));
    track.onRtp(packet(97, 1, 0, keyFrame()), bench.nowMs);
    track.end();
    track.end();
    track.onRtp(packet(96, 2, 0, keyFrame()), bench.nowMs);
    track.requestKeyFrame();
    bench.pollTimer.close();
    assert.equal(ended, 1);
    assert.deepEqual(bench.sent, []);
  });
});

describe('transport-wide feedback', () => {
  it('reports arrivals and holes, over the wrap, and survives its own wire form', () => {
    const recorder = new TransportCcRecorder(1);
    const start = 1_000_000;
    for (const [sequence, afterMs] of [
      [65_534, 0],
      [65_535, 1.25],
      [2, 5],
      [1, 7],
    ] as const)
      recorder.onPacket(sequence, start + afterMs);
    const feedback = recorder.take(7);
    assert.ok(feedback !== undefined);
    assert.equal(feedback.baseSequence, 65_534);
    const [first, ...rest] = feedback.deltas250Us;
    assert.equal(first, Math.round((start - Math.floor(start / 64) * 64) / 0.25));
    assert.deepEqual(rest, [5, undefined, 23, -8]);
    assert.deepEqual(parseRtcp(serializeRtcp([feedback])), [feedback]);
    assert.equal(recorder.take(7), undefined);
  });

  it('goes on behind what it has reported, and does not take back a loss', () => {
    const recorder = new TransportCcRecorder(1);
    recorder.onPacket(10, 100);
    recorder.onPacket(12, 101);
    recorder.take(7);
    recorder.onPacket(11, 102);
    assert.equal(recorder.take(7), undefined);
    recorder.onPacket(14, 103);
    const feedback = recorder.take(7);
    assert.deepEqual([feedback?.baseSequence, feedback?.feedbackCount], [13, 1]);
    assert.equal(feedback?.deltas250Us.length, 2);
  });
});

describe('the shared poll timer', () => {
  it('runs each task at its time, replaces times and forgets', async () => {
    const timer = new PollTimer();
    const ran: string[] = [];
    const start = performance.now();
    await new Promise<void>((resolve) => {
      const forgotten = (): void => void ran.push('forgotten');
      const moved = (): void => void ran.push('moved');
      timer.schedule(moved, start + 5);
      timer.schedule(forgotten, start + 10);
      timer.schedule(() => ran.push('first'), start + 15);
      timer.schedule(moved, start + 20);
      timer.schedule(forgotten, undefined);
      timer.schedule(() => resolve(), start + 30);
    });
    timer.close();
    assert.deepEqual(ran, ['first', 'moved']);
    assert.ok(performance.now() - start >= 29);
  });
});
