import { SenderClock } from '../../rtp/clock.js';
import type { NtpTime } from '../../rtp/clock.js';
import { NackScheduler } from '../../rtp/nack.js';
import type { RtpPacket } from '../../rtp/packet.js';
import { ReceptionStats } from '../../rtp/reports.js';
import { SequenceUnwrapper, sequenceDistance } from '../../rtp/sequence.js';

/** A layer that was silent for longer is not chosen for anybody. */
const ACTIVE_MS = 1500;
const PLI_INTERVAL_MS = 300;
/** A packet further behind the newest one is no retransmission: its sender counts anew. */
const MAX_LATE_PACKETS = 4096;

/** One SSRC of a published track: a simulcast layer, or the whole. */
export class UpLayer {
  readonly ssrc: number;
  readonly rid: string;
  readonly stats: ReceptionStats;
  readonly clock: SenderClock;
  /** Only for video: what is late in audio is lost. */
  readonly nack: NackScheduler | undefined;
  /** 0: not known yet. */
  width = 0;
  height = 0;
  readonly #unwrapper = new SequenceUnwrapper();
  #newest: number | undefined;
  #lastIsLate = false;
  #lastPacketAtMs: number;
  #lastPliAtMs = -Infinity;

  /** nowMs: when its first packet came. */
  constructor(ssrc: number, rid: string, kind: 'audio' | 'video', clockRate: number, nowMs: number) {
    this.ssrc = ssrc;
    this.rid = rid;
    this.#lastPacketAtMs = nowMs;
    this.stats = new ReceptionStats(ssrc, clockRate);
    this.clock = new SenderClock(clockRate);
    this.nack = kind === 'video' ? new NackScheduler() : undefined;
  }

  isActive(nowMs: number): boolean {
    return nowMs - this.#lastPacketAtMs < ACTIVE_MS;
  }

  /** The last packet came behind one that follows it. */
  get lastIsLate(): boolean {
    return this.#lastIsLate;
  }

  onPacket(packet: RtpPacket, nowMs: number): void {
    this.#lastPacketAtMs = nowMs;
    const distance = this.#newest === undefined ? 1 : sequenceDistance(this.#newest, packet.sequence);
    this.#lastIsLate = distance <= 0 && distance > -MAX_LATE_PACKETS;
    if (!this.#lastIsLate) this.#newest = packet.sequence;
    this.stats.onPacket(packet.sequence, packet.timestamp, packet.payload.length, nowMs);
    this.nack?.onPacket(this.#unwrapper.unwrap(packet.sequence), nowMs);
  }

  onSenderReport(ntp: NtpTime, rtpTimestamp: number, nowMs: number): void {
    this.stats.onSenderReport(ntp, nowMs);
    this.clock.onSenderReport(ntp, rtpTimestamp);
  }

  /** Whether a PLI may go out now; one is taken for sent then. */
  takePli(nowMs: number): boolean {
    if (nowMs - this.#lastPliAtMs < PLI_INTERVAL_MS) return false;
    this.#lastPliAtMs = nowMs;
    return true;
  }
}
