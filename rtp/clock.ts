/** A sender's clock: RTP time to Unix time by its sender reports (RFC 3550 section 6.4.1). */
import { ntpToUnixUs } from './ntp.js';
import type { NtpTime } from './ntp.js';
import { timestampDistance } from './sequence.js';

export { ntpMiddle32, ntpToUnixUs, unixUsToNtp } from './ntp.js';
export type { NtpTime } from './ntp.js';

interface Mapping {
  rtpTimestamp: number;
  unixUs: number;
}

/** Reports that differ by less belong to one clock: what is left is rounding and drift. */
const SAME_CLOCK_US = 20_000;
/** How much of a small difference is taken over by each report. */
const FOLLOW = 0.25;

/**
 * Maps RTP time to the sender's Unix time. Small differences (drift, coarse clocks) are followed smoothly. A larger one is taken over
 * only when a second report agrees with it: one stray report moves nothing, and a stepped clock moves the mapping once.
 */
export class SenderClock {
  private mapping: Mapping | undefined;
  private candidate: Mapping | undefined;

  constructor(private readonly clockRate: number) {}

  get isSynchronized(): boolean {
    return this.mapping !== undefined;
  }

  /** `rtpTimestamp` as in the report (32 bits) or unwrapped. */
  onSenderReport(ntp: NtpTime, rtpTimestamp: number): void {
    // Zero: the sender has no wall clock (section 6.4.1).
    if (ntp.seconds === 0 && ntp.fraction === 0) return;
    const report: Mapping = { rtpTimestamp, unixUs: ntpToUnixUs(ntp) };
    if (this.mapping === undefined) {
      this.mapping = report;
      return;
    }
    const expectedUs = this.at(this.mapping, rtpTimestamp);
    const differenceUs = report.unixUs - expectedUs;
    if (Math.abs(differenceUs) <= SAME_CLOCK_US) {
      this.mapping = { rtpTimestamp, unixUs: expectedUs + differenceUs * FOLLOW };
      this.candidate = undefined;
      return;
    }
    const { candidate } = this;
    const agrees =
      candidate !== undefined && Math.abs(report.unixUs - this.at(candidate, rtpTimestamp)) <= SAME_CLOCK_US;
    this.mapping = agrees ? report : this.mapping;
    this.candidate = agrees ? undefined : report;
  }

  /** Unix microseconds of an RTP time, 32 bits or unwrapped, within 2^31 ticks of the last report; undefined before the first. */
  toUnixUs(timestamp: number): number | undefined {
    return this.mapping === undefined ? undefined : Math.round(this.at(this.mapping, timestamp));
  }

  reset(): void {
    this.mapping = undefined;
    this.candidate = undefined;
  }

  private at(mapping: Mapping, timestamp: number): number {
    return mapping.unixUs + (timestampDistance(mapping.rtpTimestamp, timestamp) * 1e6) / this.clockRate;
  }
}
