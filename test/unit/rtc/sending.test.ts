import assert from 'node:assert/strict';
import { KeyFrameLimiter } from '../../../coreservice/rtc/send/key_frame_limiter.js';
import { SentAudioTrack } from '../../../coreservice/rtc/send/local_audio_track.js';
import { SentVideoTrack } from '../../../coreservice/rtc/send/local_video_track.js';
import { OutgoingStream, type SendBinding } from '../../../coreservice/rtc/send/outgoing_stream.js';
import { Pacer } from '../../../coreservice/rtc/send/pacer.js';
import { ntpToUnixUs } from '../../../rtp/clock.js';
import { parseRtp, type RtpPacket } from '../../../rtp/packet.js';

function binding(sent: Buffer[], more: Partial<SendBinding> = {}): SendBinding {
  let transportSequence = 0;
  return {
    payloadType: 96,
    fixedExtensions: new Map(),
    absSendTimeId: undefined,
    transportCcId: undefined,
    nextTransportSequence: () => ++transportSequence,
    sendRtp: (packet) => sent.push(packet),
    pacer: undefined,
    ...more,
  };
}

function parsed(sent: Buffer[]): RtpPacket[] {
  return sent.map((data) => {
    const packet = parseRtp(data);
    assert.ok(packet !== undefined);
    return packet;
  });
}

describe('an outgoing stream', () => {
  it('numbers its packets, marks the last of a frame and carries what was negotiated', () => {
    const sent: Buffer[] = [];
    const stream = new OutgoingStream({ clockRate: 90_000, historyPackets: 64, nowMs: () => 2000 });
    const fixedExtensions = new Map([[1, Buffer.from('3')]]);
    stream.bind(binding(sent, { fixedExtensions, absSendTimeId: 3, transportCcId: 4 }));
    stream.sendFrame([Buffer.from('a'), Buffer.from('b')], { timestamp: 2 ** 32 + 5, captureTimeUs: 1 }, 'last');
    const [first, second] = parsed(sent);
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(second.sequence, (first.sequence + 1) & 0xffff);
    assert.deepEqual([first.marker, second.marker], [false, true]);
    assert.deepEqual([first.timestamp, first.ssrc, first.payloadType], [5, stream.ssrc, 96]);
    assert.equal(first.extensions.get(1)?.toString(), '3');
    assert.equal(first.extensions.get(3)?.readUIntBE(0, 3), 2 * 0x40000);
    assert.equal(second.extensions.get(4)?.readUInt16BE(0), 2);
  });

  it('repeats packets bit by bit while it has them, each at most once in 10 ms', () => {
    let now = 0;
    const sent: Buffer[] = [];
    const stream = new OutgoingStream({ clockRate: 90_000, historyPackets: 64, nowMs: () => now });
    stream.bind(binding(sent, { absSendTimeId: 3, transportCcId: 4 }));
    stream.sendFrame([Buffer.from('a')], { timestamp: 5, captureTimeUs: 1 }, 'last');
    const sequence = parsed(sent)[0]?.sequence ?? 0;
    now = 20;
    stream.onNack([sequence, sequence, (sequence + 1) & 0xffff]);
    assert.equal(sent.length, 2);
    assert.deepEqual(sent[1], sent[0]);
    assert.equal(stream.stats().retransmitted, 1);
    stream.bind(binding(sent));
    stream.onNack([sequence]);
    assert.equal(sent.length, 2);
  });

  it('reports the RTP time of its capture clock', () => {
    const stream = new OutgoingStream({ clockRate: 90_000, historyPackets: 0 });
    stream.bind(binding([]));
    assert.equal(stream.makeReport(1e15), undefined);
    const captureTimeUs = 1_700_000_000_000_000;
    stream.sendFrame([Buffer.alloc(10)], { timestamp: 4_294_967_290, captureTimeUs }, 'last');
    const report = stream.makeReport(captureTimeUs + 100_000);
    assert.ok(report !== undefined);
    assert.equal(report.rtpTimestamp, (4_294_967_290 + 9000) % 2 ** 32);
    assert.ok(Math.abs(ntpToUnixUs(report.ntp) - captureTimeUs - 100_000) <= 1);
    assert.deepEqual([report.packetCount, report.octetCount], [1, 10]);
  });

  it('takes the same FIR for a request once, and every PLI', () => {
    const stream = new OutgoingStream({ clockRate: 90_000, historyPackets: 0 });
    let requests = 0;
    stream.on('key_frame_requested', () => (requests += 1));
    stream.onFir(1);
    stream.onFir(1);
    stream.onFir(2);
    stream.onPli();
    assert.equal(requests, 3);
  });
});

describe('a sent track', () => {
  const layers = [
    { quality: 'high' as const, width: 640, height: 360, bitrateKbps: 800 },
    { quality: 'low' as const, width: 320, height: 180, bitrateKbps: 200 },
  ];

  it('names its layers as LiveKit does, lowest first', () => {
    const both = new SentVideoTrack({ source: 'camera', name: '', frameRate: 30, layers });
    assert.deepEqual(
      both.layers.map(({ quality, rid }) => [quality, rid]),
      [
        ['low', 'q'],
        ['high', 'h'],
      ],
    );
    const one = new SentVideoTrack({ source: 'camera', name: '', frameRate: 30, layers: layers.slice(0, 1) });
    assert.deepEqual(
      one.layers.map(({ rid }) => rid),
      [''],
    );
  });

  it('sends nothing while it is not bound, and nothing after its end', () => {
    const track = new SentVideoTrack({ source: 'camera', name: '', frameRate: 30, layers });
    const sent: Buffer[] = [];
    const unit = Buffer.from([0, 0, 0, 1, 0x65, 1, 2, 3]);
    const send = (): void => track.send(unit, { captureTimeUs: 1e15, keyFrame: true, quality: 'high' });
    send();
    for (const stream of track.streams) stream.bind(binding(sent));
    send();
    assert.equal(sent.length, 1);
    track.end();
    send();
    assert.equal(sent.length, 1);
  });

  it("keeps the RTP time of sound free of the capture clock's jitter, and follows its jumps", () => {
    const track = new SentAudioTrack({ name: '', stereo: false });
    const sent: Buffer[] = [];
    track.stream.bind(binding(sent));
    // TOC byte: CELT, 20 ms, one frame.
    const packet = Buffer.from([0xf8, 1, 2]);
    for (const captureTimeUs of [0, 21_300, 39_100, 60_000, 2_080_000])
      track.send(packet, { captureTimeUs: 1e12 + captureTimeUs });
    const times = parsed(sent).map(({ timestamp }) => timestamp);
    const steps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    assert.deepEqual(steps, [960, 960, 960, (2_020_000 * 48) / 1000]);
  });
});

describe('requests for key frames', () => {
  it('pass at once, then once per interval and layer, and the last is not lost', async () => {
    const passed: string[] = [];
    const later = new Promise<void>((resolve) => {
      const limiter = new KeyFrameLimiter((quality) => {
        passed.push(quality);
        if (passed.length === 3) {
          limiter.close();
          resolve();
        }
      });
      limiter.request('high');
      limiter.request('high');
      limiter.request('high');
      limiter.request('low');
      assert.deepEqual(passed, ['high', 'low']);
    });
    await later;
    assert.deepEqual(passed, ['high', 'low', 'high']);
  });
});

describe('the pacer', () => {
  it('lets a burst go at once and spreads the rest, in order', async () => {
    const pacer = new Pacer();
    const sent: number[] = [];
    const done = new Promise<void>((resolve) => {
      for (let i = 0; i < 100; i++)
        pacer.push(() => {
          sent.push(i);
          if (i === 99) resolve();
        });
    });
    const atOnce = sent.length;
    assert.ok(atOnce >= 16 && atOnce <= 32, `${atOnce} at once`);
    await done;
    assert.deepEqual(
      sent,
      Array.from({ length: 100 }, (_, i) => i),
    );
  });

  it('refuses a frame for which there is no room', () => {
    const pacer = new Pacer(() => 0);
    assert.equal(pacer.hasRoom(4096), true);
    for (let i = 0; i < 200; i++) pacer.push(() => undefined);
    assert.equal(pacer.hasRoom(4096), false);
    pacer.clear();
    assert.equal(pacer.hasRoom(4096), true);
  });
});
