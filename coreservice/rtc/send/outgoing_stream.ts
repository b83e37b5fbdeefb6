import { randomInt } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { RetransmissionBuffer } from '../../../rtp/nack.js';
import { serializeRtp, type RtpFields } from '../../../rtp/packet.js';
import { SenderStats } from '../../../rtp/reports.js';
import type { ReportBlock, SenderReport } from '../../../rtp/rtcp.js';
import type { LocalTrackStats } from '../types.js';
import type { Pacer } from './pacer.js';

/** How packets reach the wire, as agreed on with the server. A new one after every rejoin. */
export interface SendBinding {
  payloadType: number;
  /** Constant header extensions: mid, and the layer's name with simulcast. */
  fixedExtensions: ReadonlyMap<number, Buffer>;
  absSendTimeId: number | undefined;
  transportCcId: number | undefined;
  /** Counts over all streams of the connection. */
  nextTransportSequence: () => number;
  sendRtp: (packet: Buffer) => void;
  /** Undefined: not paced. */
  pacer: Pacer | undefined;
}

/** So many numbers back a packet that is asked for again and again counts as one lost packet. */
const REMEMBERED_LOSSES = 512;

export interface OutgoingStreamOptions {
  clockRate: number;
  /** Packets kept for retransmission; 0 keeps none. */
  historyPackets: number;
  nowMs?: () => number;
}

/** As in a frame's packets: what all of them share. */
export interface FrameTiming {
  /** RTP time, any number; its low 32 bits are sent. */
  timestamp: number;
  captureTimeUs: number;
}

/** The packets of one SSRC: numbers, header extensions, retransmission, reports both ways. */
export class OutgoingStream extends EventEmitter<{ key_frame_requested: [] }> {
  readonly ssrc = randomInt(1, 0xffffffff);
  readonly #stats: SenderStats;
  readonly #history: RetransmissionBuffer<Buffer> | undefined;
  readonly #nowMs: () => number;
  #wireBytes = 0;
  #retransmitted = 0;
  /** Distinct packets that were asked for again. */
  #askedFor = 0;
  readonly #recentlyAskedFor = new Set<number>();
  #sequence = randomInt(0, 0x8000);
  #binding: SendBinding | undefined;
  #lastFirSequence: number | undefined;

  constructor(options: OutgoingStreamOptions) {
    super();
    this.#stats = new SenderStats(this.ssrc, options.clockRate);
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#history =
      options.historyPackets > 0
        ? new RetransmissionBuffer<Buffer>({ maxPackets: options.historyPackets, minRepeatMs: 10 })
        : undefined;
  }

  get isBound(): boolean {
    return this.#binding !== undefined;
  }

  /** After a rejoin the other end is new: nothing sent before is asked for again. */
  bind(binding: SendBinding | undefined): void {
    this.#binding = binding;
    this.#history?.clear();
    this.#lastFirSequence = undefined;
  }

  /** The payloads of one frame, in order; the marker goes on the last of video. False: no room, nothing sent. */
  sendFrame(payloads: readonly Buffer[], timing: FrameTiming, marker: 'last' | 'none'): boolean {
    const binding = this.#binding;
    if (binding === undefined) return true;
    if (binding.pacer?.hasRoom(payloads.length) === false) return false;
    payloads.forEach((payload, i) => {
      const sequence = this.#sequence;
      this.#sequence = (sequence + 1) & 0xffff;
      const fields: RtpFields = {
        marker: marker === 'last' && i === payloads.length - 1,
        payloadType: binding.payloadType,
        sequence,
        timestamp: timing.timestamp % 0x100000000,
        ssrc: this.ssrc,
        payload,
      };
      if (binding.pacer === undefined) this.#transmit(fields, timing, binding);
      else binding.pacer.push(() => this.#transmit(fields, timing, binding));
    });
    return true;
  }

  #transmit(fields: RtpFields, timing: FrameTiming, binding: SendBinding): void {
    // The connection may have gone while the packet waited for its turn.
    if (binding !== this.#binding) return;
    this.#stats.onPacket(fields.payload.length, timing.timestamp, timing.captureTimeUs);
    const extensions = new Map(binding.fixedExtensions);
    if (binding.absSendTimeId !== undefined) extensions.set(binding.absSendTimeId, absSendTime(this.#nowMs()));
    if (binding.transportCcId !== undefined) {
      const number = Buffer.allocUnsafe(2);
      number.writeUInt16BE(binding.nextTransportSequence());
      extensions.set(binding.transportCcId, number);
    }
    const packet = serializeRtp({ ...fields, extensions });
    this.#history?.add(fields.sequence, packet, this.#nowMs());
    this.#write(packet, binding);
  }

  #write(packet: Buffer, binding: SendBinding): void {
    this.#wireBytes += packet.length;
    binding.sendRtp(packet);
  }

  /** Sends again what is still kept, bit by bit: the same number encrypted over other header bits would weaken SRTP's key (RFC 7714 section 8.1). */
  onNack(sequences: readonly number[]): void {
    const binding = this.#binding;
    if (binding === undefined || this.#history === undefined) return;
    const now = this.#nowMs();
    for (const sequence of sequences) {
      this.#countLost(sequence);
      const packet = this.#history.take(sequence, now);
      if (packet === undefined) continue;
      this.#retransmitted += 1;
      this.#write(packet, binding);
    }
  }

  #countLost(sequence: number): void {
    const recent = this.#recentlyAskedFor;
    if (recent.has(sequence)) return;
    this.#askedFor++;
    recent.add(sequence);
    const [oldest] = recent;
    if (recent.size > REMEMBERED_LOSSES && oldest !== undefined) recent.delete(oldest);
  }

  onPli(): void {
    this.emit('key_frame_requested');
  }

  /** RFC 5104 section 4.3.1.2: the same number again is a repetition of the same request. */
  onFir(sequence: number): void {
    if (sequence === this.#lastFirSequence) return;
    this.#lastFirSequence = sequence;
    this.emit('key_frame_requested');
  }

  onReportBlock(report: ReportBlock, nowUnixUs: number): void {
    this.#stats.onReportBlock(report, nowUnixUs);
  }

  /** Undefined while there is nothing to report. */
  makeReport(nowUnixUs: number): SenderReport | undefined {
    return this.isBound ? this.#stats.makeReport(nowUnixUs) : undefined;
  }

  stats(): LocalTrackStats {
    const { packets, fractionLost, packetsLost, roundTripMs } = this.#stats;
    return {
      packets,
      bytes: this.#wireBytes,
      retransmitted: this.#retransmitted,
      fractionLost,
      // Reports count only what never arrived (RFC 3550 appendix A.3).
      packetsLost: Math.max(packetsLost, this.#askedFor),
      roundTripMs,
    };
  }
}

/** Of all layers of a track: sums, and the worst loss and round trip. */
export function addStats(streams: readonly OutgoingStream[]): LocalTrackStats {
  const sum: LocalTrackStats = {
    packets: 0,
    bytes: 0,
    retransmitted: 0,
    fractionLost: 0,
    packetsLost: 0,
    roundTripMs: 0,
  };
  for (const stats of streams.map((stream) => stream.stats())) {
    sum.packets += stats.packets;
    sum.bytes += stats.bytes;
    sum.retransmitted += stats.retransmitted;
    sum.packetsLost += stats.packetsLost;
    sum.fractionLost = Math.max(sum.fractionLost, stats.fractionLost);
    sum.roundTripMs = Math.max(sum.roundTripMs, stats.roundTripMs);
  }
  return sum;
}

/** 24 bits, 6.18 fixed point seconds; only differences count. */
function absSendTime(nowMs: number): Buffer {
  const value = Math.floor((nowMs / 1000) * 0x40000) & 0xffffff;
  const bytes = Buffer.allocUnsafe(3);
  bytes.writeUIntBE(value, 0, 3);
  return bytes;
}
