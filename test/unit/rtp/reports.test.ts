import assert from 'node:assert/strict';
import { SenderClock, ntpMiddle32, ntpToUnixUs, unixUsToNtp } from '../../../rtp/clock.js';
import { ReceptionStats, SenderStats } from '../../../rtp/reports.js';
import { seededRandom } from './helpers.js';

const NOW_US = 1_790_000_000_123_456;

describe('NTP time', () => {
  it('comes back to the microsecond, in this era and the next', () => {
    for (const unixUs of [NOW_US, 1_000_000, 999_999_999_999_999, 2_085_978_496_000_000, 2_200_000_000_654_321]) {
      assert.equal(ntpToUnixUs(unixUsToNtp(unixUs)), unixUs);
    }
    assert.deepEqual(unixUsToNtp(500_000), { seconds: 2_208_988_800, fraction: 2 ** 31 });
    assert.equal(ntpMiddle32({ seconds: 0x12345678, fraction: 0x9abcdef0 }), 0x56789abc);
    assert.equal(ntpMiddle32({ seconds: 0xffff, fraction: 0xffffffff }), 0xffffffff);
  });
});

describe('Reception statistics', () => {
  it('count loss over the wrap, per interval and in all', () => {
    const stats = new ReceptionStats(7, 90_000);
    assert.equal(stats.takeReport(0), undefined);
    for (let i = 0; i < 100; i++) if (i % 4 !== 1) stats.onPacket((65_500 + i) & 0xffff, 0, 100, i);
    const first = stats.takeReport(100);
    assert.deepEqual([first?.ssrc, first?.fractionLost, first?.cumulativeLost], [7, 0.25, 25]);
    assert.equal(first?.highestSequence, 65_500 + 99);
    for (let i = 100; i < 200; i++) stats.onPacket((65_500 + i) & 0xffff, 0, 100, i);
    const second = stats.takeReport(200);
    assert.deepEqual([second?.fractionLost, second?.cumulativeLost], [0, 25]);
    assert.equal(stats.packets, 175);
    assert.equal(stats.bytes, 17_500);
  });

  it('tell jitter as RFC 3550 reckons it, and none for an even stream, over the wrap of timestamps', () => {
    const even = new ReceptionStats(1, 48_000);
    const uneven = new ReceptionStats(1, 48_000);
    for (let i = 0; i < 500; i++) {
      const timestamp = (2 ** 32 - 100 * 960 + i * 960) % 2 ** 32;
      even.onPacket(i, timestamp, 1, i * 20);
      uneven.onPacket(i, timestamp, 1, i * 20 + (i % 2) * 10);
    }
    assert.equal(even.jitterMs, 0);
    assert.ok(Math.abs(uneven.jitterMs - 10) < 0.1);
  });

  it('tell the last sender report and the time since', () => {
    const stats = new ReceptionStats(1, 90_000);
    stats.onPacket(1, 1, 1, 0);
    assert.equal(stats.takeReport(5)?.lastSenderReport, 0);
    stats.onSenderReport({ seconds: 0x00011234, fraction: 0x56780000 }, 1000);
    const report = stats.takeReport(3000);
    assert.equal(report?.lastSenderReport, 0x12345678);
    assert.equal(report.delaySinceLastSenderReport, 2 * 65_536);
  });

  it('begin anew when a sender restarts, and ignore a stray packet', () => {
    const stats = new ReceptionStats(1, 90_000);
    for (let i = 0; i < 10; i++) stats.onPacket(i, 0, 1, i);
    stats.onPacket(40_000, 0, 1, 10);
    stats.onPacket(10, 0, 1, 11);
    assert.equal(stats.packetsLost, 0);
    for (let i = 0; i < 10; i++) stats.onPacket(50_000 + i, 0, 1, 20 + i);
    assert.equal(stats.packetsLost, 0);
    assert.equal(stats.takeReport(40)?.highestSequence, 50_009);
  });
});

describe('Sender statistics', () => {
  it('make reports whose RTP time goes on with the clock', () => {
    const stats = new SenderStats(3, 90_000);
    assert.equal(stats.makeReport(NOW_US), undefined);
    stats.onPacket(1000, 2 ** 32 - 45_000, NOW_US);
    const report = stats.makeReport(NOW_US + 1_000_000);
    assert.equal(report?.rtpTimestamp, 45_000);
    assert.equal(ntpToUnixUs(report.ntp), NOW_US + 1_000_000);
    assert.deepEqual([report.packetCount, report.octetCount], [1, 1000]);
  });

  it('reckon the round trip from the receiver report', () => {
    const sender = new SenderStats(3, 90_000);
    const receiver = new ReceptionStats(3, 90_000);
    sender.onPacket(10, 0, NOW_US);
    receiver.onPacket(0, 0, 10, 50);
    const report = sender.makeReport(NOW_US);
    assert.ok(report !== undefined);
    receiver.onSenderReport(report.ntp, 1030); // 30 ms on the way
    const block = receiver.takeReport(2530);
    assert.ok(block !== undefined);
    sender.onReportBlock(block, NOW_US + 1_570_000); // 40 ms back
    assert.ok(Math.abs(sender.roundTripMs - 70) < 0.1, `${sender.roundTripMs}`);
    sender.onReportBlock({ ...block, ssrc: 4, cumulativeLost: 9 }, NOW_US);
    assert.equal(sender.packetsLost, 0);
  });
});

describe('The sender clock', () => {
  const report = (clock: SenderClock, unixUs: number, timestamp: number): void => {
    clock.onSenderReport(unixUsToNtp(unixUs), timestamp >>> 0);
  };

  it('maps RTP time to Unix time, unwrapped or not, before and after the report', () => {
    const clock = new SenderClock(90_000);
    assert.equal(clock.toUnixUs(0), undefined);
    report(clock, NOW_US, 2 ** 32 - 90_000);
    assert.equal(clock.toUnixUs(2 ** 32), NOW_US + 1_000_000);
    assert.equal(clock.toUnixUs(0), NOW_US + 1_000_000);
    assert.equal(clock.toUnixUs(2 ** 32 - 180_000), NOW_US - 1_000_000);
    clock.onSenderReport({ seconds: 0, fraction: 0 }, 5);
    assert.equal(clock.toUnixUs(0), NOW_US + 1_000_000);
  });

  it('follows drift over an hour within 5 ms', () => {
    const clock = new SenderClock(48_000);
    const random = seededRandom(1);
    let worst = 0;
    for (let second = 0; second < 3600; second += 5) {
      const timestamp = Math.round(second * 48_000 * (1 + 200e-6));
      report(clock, NOW_US + second * 1e6 + (random() - 0.5) * 1000, timestamp);
      const error = (clock.toUnixUs(timestamp >>> 0) ?? 0) - (NOW_US + second * 1e6);
      if (second > 60) worst = Math.max(worst, Math.abs(error));
    }
    assert.ok(worst < 5000, `${worst} µs`);
  });

  it('ignores one stray report, and follows a step when a second report confirms it', () => {
    const clock = new SenderClock(90_000);
    report(clock, NOW_US, 0);
    report(clock, NOW_US + 60e6, 90_000);
    assert.equal(clock.toUnixUs(90_000), NOW_US + 1_000_000);
    report(clock, NOW_US + 2e6, 180_000);
    assert.equal(clock.toUnixUs(180_000), NOW_US + 2_000_000);
    report(clock, NOW_US + 33e6, 270_000);
    report(clock, NOW_US + 34e6, 360_000);
    assert.equal(clock.toUnixUs(360_000), NOW_US + 34_000_000);
  });
});
