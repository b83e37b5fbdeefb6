import { SenderClock } from '../../../rtp/clock.js';
import type { RtpPacket } from '../../../rtp/packet.js';
import { ReceptionStats } from '../../../rtp/reports.js';
import type { ReportBlock, RtcpMessage, SenderReport } from '../../../rtp/rtcp.js';
import type { PollTimer } from './poll_timer.js';

/** What a received track needs of its connection. */
export interface ReceiveContext {
  nowMs: () => number;
  sendRtcp: (messages: RtcpMessage[]) => void;
  pollTimer: PollTimer;
  /** The SSRC by which our feedback is signed. */
  localSsrc: number;
}

/** What audio and video streams have in common: statistics, reports, the sender's clock. One SSRC at a time. */
export class ReceivedStream {
  readonly clock: SenderClock;
  #reception: ReceptionStats | undefined;
  #ssrc: number;
  /** Of SSRCs that were replaced. */
  #before = { packets: 0, bytes: 0, lost: 0 };

  constructor(
    ssrc: number,
    private readonly clockRate: number,
  ) {
    this.#ssrc = ssrc;
    this.clock = new SenderClock(clockRate);
  }

  get ssrc(): number {
    return this.#ssrc;
  }

  onPacket(packet: RtpPacket, nowMs: number): void {
    if (packet.ssrc !== this.#ssrc) this.#replace(packet.ssrc);
    this.#reception ??= new ReceptionStats(packet.ssrc, this.clockRate);
    this.#reception.onPacket(packet.sequence, packet.timestamp, packet.payload.length, nowMs);
  }

  onSenderReport(report: SenderReport, nowMs: number): void {
    if (report.ssrc !== this.#ssrc) return;
    this.clock.onSenderReport(report.ntp, report.rtpTimestamp);
    this.#reception?.onSenderReport(report.ntp, nowMs);
  }

  takeReport(nowMs: number): ReportBlock | undefined {
    return this.#reception?.takeReport(nowMs);
  }

  /** Unix time of an RTP time: by the sender's reports, else `arrivalMs` of performance.now(). */
  captureTimeUs(timestamp: number, arrivalMs: number): number {
    return this.clock.toUnixUs(timestamp) ?? Math.round((performance.timeOrigin + arrivalMs) * 1000);
  }

  stats(): { packets: number; bytes: number; packetsLost: number; jitterMs: number } {
    const now = this.#reception;
    return {
      packets: this.#before.packets + (now?.packets ?? 0),
      bytes: this.#before.bytes + (now?.bytes ?? 0),
      packetsLost: this.#before.lost + Math.max(0, now?.packetsLost ?? 0),
      jitterMs: now?.jitterMs ?? 0,
    };
  }

  #replace(ssrc: number): void {
    const { packets, bytes, packetsLost } = this.stats();
    this.#before = { packets, bytes, lost: packetsLost };
    this.#reception = undefined;
    this.clock.reset();
    this.#ssrc = ssrc;
  }
}
