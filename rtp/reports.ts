/** What goes into sender and receiver reports: RFC 3550 section 6.4 and appendix A. */
import { ntpMiddle32, unixUsToNtp } from './ntp.js';
import type { NtpTime } from './ntp.js';
import type { ReportBlock, SenderReport } from './rtcp_types.js';
import { sequenceDistance } from './sequence.js';

const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;

/** One received SSRC. */
export class ReceptionStats {
  /** Packets with repeats. */
  packets = 0;
  bytes = 0;
  private highest: number | undefined;
  private base = 0;
  private badSequence: number | undefined;
  /** Packets since `base`, by which loss is reckoned. */
  private received = 0;
  private expectedPrior = 0;
  private receivedPrior = 0;
  private lastTransit: number | undefined;
  private jitterTicks = 0;
  private lastSenderReport = 0;
  private lastSenderReportAtMs = 0;

  constructor(
    private readonly ssrc: number,
    private readonly clockRate: number,
  ) {}

  /** Appendix A.8, in milliseconds. */
  get jitterMs(): number {
    return (this.jitterTicks * 1000) / this.clockRate;
  }

  /** Since the first packet; below 0 when more came twice than were lost. */
  get packetsLost(): number {
    return this.expected - this.received;
  }

  private get expected(): number {
    return this.highest === undefined ? 0 : this.highest - this.base + 1;
  }

  /** `sequence` and `timestamp` as on the wire, `bytes` of the payload, `arrivalMs` of any steady clock. */
  onPacket(sequence: number, timestamp: number, bytes: number, arrivalMs: number): void {
    this.packets += 1;
    this.bytes += bytes;
    if (!this.updateSequence(sequence)) return;
    this.received += 1;
    // Appendix A.8. The difference is taken in 32 bits, so wraps of the timestamp do no harm.
    const transit = Math.round((arrivalMs * this.clockRate) / 1000) - timestamp;
    if (this.lastTransit !== undefined) {
      const difference = Math.abs((transit - this.lastTransit) | 0);
      this.jitterTicks += (difference - this.jitterTicks) / 16;
    }
    this.lastTransit = transit;
  }

  onSenderReport(ntp: NtpTime, nowMs: number): void {
    this.lastSenderReport = ntpMiddle32(ntp);
    this.lastSenderReportAtMs = nowMs;
  }

  /** Appendix A.3. Each call begins a new interval for fractionLost. Undefined before the first packet. */
  takeReport(nowMs: number): ReportBlock | undefined {
    if (this.highest === undefined) return undefined;
    const expectedInterval = this.expected - this.expectedPrior;
    const lostInterval = expectedInterval - (this.received - this.receivedPrior);
    this.expectedPrior = this.expected;
    this.receivedPrior = this.received;
    const hasReport = this.lastSenderReportAtMs !== 0 || this.lastSenderReport !== 0;
    return {
      ssrc: this.ssrc,
      fractionLost:
        expectedInterval <= 0 || lostInterval <= 0 ? 0 : Math.min(lostInterval / expectedInterval, 255 / 256),
      cumulativeLost: Math.min(Math.max(this.packetsLost, -0x800000), 0x7fffff),
      highestSequence: this.highest % 2 ** 32,
      jitter: Math.floor(this.jitterTicks),
      lastSenderReport: this.lastSenderReport,
      delaySinceLastSenderReport: hasReport ? Math.round((nowMs - this.lastSenderReportAtMs) * 65.536) : 0,
    };
  }

  /** Appendix A.1, without probation: signalling has told the SSRC. False: the packet is out of any order. */
  private updateSequence(sequence: number): boolean {
    if (this.highest === undefined) {
      this.restartAt(sequence);
      return true;
    }
    const distance = sequenceDistance(this.highest & 0xffff, sequence);
    if (distance > 0 && distance < MAX_DROPOUT) {
      this.highest += distance;
    } else if (distance > 0 || distance < -MAX_MISORDER) {
      // Two in a row: the sender has started anew.
      const isRestart = this.badSequence === sequence;
      this.badSequence = (sequence + 1) & 0xffff;
      if (!isRestart) return false;
      this.restartAt(sequence);
    }
    return true;
  }

  private restartAt(sequence: number): void {
    this.highest = sequence;
    this.base = sequence;
    this.badSequence = undefined;
    this.received = 0;
    this.expectedPrior = 0;
    this.receivedPrior = 0;
    this.lastTransit = undefined;
  }
}

/** One sent SSRC. */
export class SenderStats {
  packets = 0;
  /** Of payload. */
  bytes = 0;
  /** Of the receiver's last report; 0 before. */
  fractionLost = 0;
  packetsLost = 0;
  roundTripMs = 0;
  jitterMs = 0;
  private last: { timestamp: number; unixUs: number } | undefined;

  constructor(
    private readonly ssrc: number,
    private readonly clockRate: number,
  ) {}

  /** `unixUs` is the capture time that `timestamp` stands for: the reports' clock. Leave it out for packets sent again. */
  onPacket(bytes: number, timestamp: number, unixUs: number): void {
    this.packets += 1;
    this.bytes += bytes;
    this.last = { timestamp, unixUs };
  }

  /** A report for now, the RTP time carried on from the last packet; undefined before the first packet. */
  makeReport(nowUnixUs: number, reports: ReportBlock[] = []): SenderReport | undefined {
    if (this.last === undefined) return undefined;
    const elapsedTicks = Math.round(((nowUnixUs - this.last.unixUs) * this.clockRate) / 1e6);
    return {
      kind: 'sender_report',
      ssrc: this.ssrc,
      ntp: unixUsToNtp(nowUnixUs),
      rtpTimestamp: (this.last.timestamp + elapsedTicks) >>> 0,
      packetCount: this.packets >>> 0,
      octetCount: this.bytes >>> 0,
      reports,
    };
  }

  /** Round trip by section 6.4.1: arrival - LSR - DLSR, all in 1/65536 s. `nowUnixUs` on the clock of makeReport(). */
  onReportBlock(report: ReportBlock, nowUnixUs: number): void {
    if (report.ssrc !== this.ssrc) return;
    this.fractionLost = report.fractionLost;
    this.packetsLost = report.cumulativeLost;
    this.jitterMs = (report.jitter * 1000) / this.clockRate;
    if (report.lastSenderReport === 0) return;
    const now = ntpMiddle32(unixUsToNtp(nowUnixUs));
    const roundTrip = (now - report.lastSenderReport - report.delaySinceLastSenderReport) | 0;
    // Slightly below 0 by rounding; far off when the clock was set in between.
    if (roundTrip > -655 && roundTrip < 60 * 65_536) this.roundTripMs = Math.max(roundTrip, 0) / 65.536;
  }
}
