/** Forwarding to one receiver: a stream with its own SSRC, made of packets of changing sources. */
import type { RtpPacket } from './packet.js';
import { SequenceUnwrapper, TimestampUnwrapper } from './sequence.js';
import { Vp8Rewriter } from './vp8_rewriter.js';

export interface StreamRewriterOptions {
  ssrc: number;
  /** Of the payloads sent; absent: as they come. */
  payloadType?: number;
  clockRate: number;
  /** VP8: picture ids and TL0 indexes go on too. */
  codec?: 'h264' | 'vp8' | 'opus';
  /** 16 bits; tests set it. */
  firstSequence?: number;
  /** 32 bits. */
  firstTimestamp?: number;
}

export interface OriginalPacket {
  /** As given to switchSource(). */
  sourceSsrc: number;
  /** 16 bits. */
  sequence: number;
}

/** From the unwrapped incoming number `from` on: outgoing = incoming + offset. */
interface Range {
  from: number;
  offset: number;
  sourceSsrc: number;
}

/** Ranges arise by drops and switches; NACKs look back one or two seconds. */
const MAX_RANGES = 1024;
/** Outgoing numbers further back are not mapped: half the number space would be ambiguous. */
const MAX_HISTORY = 16_384;
/** A packet this far from the newest of its source is no reordering: late beyond use, or the source has started anew. */
const MAX_MISORDER = 4096;

/**
 * The caller says when the source changes (switchSource, at a key frame) and which packets are left out (drop). Numbers that were lost on
 * the way in stay missing on the way out, so that the receiver asks for them; numbers that were left out on purpose are closed up. Numbers
 * of a packet never change: pushing it again gives the same, and late ones fall into their gap.
 */
export class StreamRewriter {
  private readonly options: StreamRewriterOptions;
  private readonly vp8: Vp8Rewriter | undefined;
  /** Ascending by `from + offset`. The last is the current one. */
  private ranges: Range[] = [];
  /** First incoming number of the current source. */
  private sourceFrom = 0;
  private sourceSsrc: number | undefined;
  private sequences = new SequenceUnwrapper();
  private timestamps = new TimestampUnwrapper();
  private highestIn: number | undefined;
  private highestOut: number;
  private timestampOffset = 0;
  private lastOutTimestamp: number;
  private lastAtMs: number | undefined;
  private isSwitching = true;
  /** The number that, coming next, proves a new start of the source (RFC 3550 A.1). */
  private restartSequence: number | undefined;

  constructor(options: StreamRewriterOptions) {
    this.options = options;
    this.vp8 = options.codec === 'vp8' ? new Vp8Rewriter() : undefined;
    this.highestOut = ((options.firstSequence ?? 0) & 0xffff) - 1;
    this.lastOutTimestamp = options.firstTimestamp ?? 0;
  }

  /** The source now; undefined before the first packet. */
  get currentSsrc(): number | undefined {
    return this.sourceSsrc;
  }

  /** The highest outgoing number so far, 16 bits; undefined before the first packet. */
  get lastSequence(): number | undefined {
    return this.highestIn === undefined ? undefined : this.highestOut & 0xffff;
  }

  /** RTP time of the last packet sent, 32 bits, and when: for sender reports. */
  get lastSent(): { timestamp: number; atMs: number } | undefined {
    return this.lastAtMs === undefined ? undefined : { timestamp: this.lastOutTimestamp >>> 0, atMs: this.lastAtMs };
  }

  /**
   * The next packet pushed is the first of another source, or of the same one after a pause. It gets the next number, and the time that has
   * passed since the last packet.
   */
  switchSource(): void {
    this.isSwitching = true;
  }

  /** The packet to send, payload shared unless VP8 numbers change; undefined for a packet of an earlier source or one that is far too late. */
  push(packet: RtpPacket, nowMs: number): RtpPacket | undefined {
    if (this.isSwitching) this.begin(packet, nowMs);
    if (packet.ssrc !== this.sourceSsrc) return undefined;
    if (this.isRestart(packet)) this.begin(packet, nowMs);
    const input = this.place(packet);
    if (input === undefined) return undefined;
    const output = this.outputOf(input);
    if (output === undefined) return undefined;
    const timestamp = this.timestamps.unwrap(packet.timestamp) + this.timestampOffset;
    if (output > this.highestOut) {
      this.highestOut = output;
      if (timestamp >= this.lastOutTimestamp) {
        this.lastOutTimestamp = timestamp;
        this.lastAtMs = nowMs;
      }
    }
    return {
      ...packet,
      ssrc: this.options.ssrc,
      payloadType: this.options.payloadType ?? packet.payloadType,
      sequence: output & 0xffff,
      timestamp: timestamp >>> 0,
      payload: this.vp8?.rewrite(packet.payload) ?? packet.payload,
    };
  }

  /**
   * The packet is left out on purpose (padding, a temporal layer): the numbers behind it close up. One that comes behind later packets leaves a
   * gap, since those are sent already.
   */
  drop(packet: RtpPacket): void {
    if (this.isSwitching || packet.ssrc !== this.sourceSsrc) return;
    const before = this.highestIn;
    const input = this.place(packet);
    const last = this.ranges.at(-1);
    if (input === undefined || last === undefined || (before !== undefined && input <= before)) return;
    if (last.from === input) {
      // Nothing was sent since the drop before.
      last.from += 1;
      last.offset -= 1;
    } else {
      this.addRange({ from: input + 1, offset: last.offset - 1, sourceSsrc: last.sourceSsrc });
    }
  }

  /** Which incoming packet an outgoing 16-bit number stands for; undefined when it was never sent or is too long ago. */
  originalOf(outSequence: number): OriginalPacket | undefined {
    const output = this.highestOut - ((this.highestOut - outSequence) & 0xffff);
    if (this.highestIn === undefined || this.highestOut - output > MAX_HISTORY) return undefined;
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const range = this.ranges[middle];
      if (range !== undefined && range.from + range.offset <= output) low = middle + 1;
      else high = middle;
    }
    const range = this.ranges[low - 1];
    return range && { sourceSsrc: range.sourceSsrc, sequence: (output - range.offset) & 0xffff };
  }

  private begin(packet: RtpPacket, nowMs: number): void {
    this.isSwitching = false;
    this.restartSequence = undefined;
    this.vp8?.switchSource();
    this.sequences = new SequenceUnwrapper();
    this.timestamps = new TimestampUnwrapper();
    this.sourceSsrc = packet.ssrc;
    this.sourceFrom = this.sequences.unwrap(packet.sequence);
    this.highestIn = this.sourceFrom;
    const elapsedMs = this.lastAtMs === undefined ? 0 : Math.max(nowMs - this.lastAtMs, 0);
    // At least one tick: two pictures never share a time.
    const step = this.lastAtMs === undefined ? 0 : Math.max(Math.round((elapsedMs * this.options.clockRate) / 1000), 1);
    this.timestampOffset = this.lastOutTimestamp + step - this.timestamps.unwrap(packet.timestamp);
    this.addRange({
      from: this.sourceFrom,
      offset: this.highestOut + 1 - this.sourceFrom,
      sourceSsrc: packet.ssrc,
    });
  }

  private isRestart(packet: RtpPacket): boolean {
    const distance = this.sequences.peek(packet.sequence) - (this.highestIn ?? 0);
    const isNext = this.restartSequence === packet.sequence;
    this.restartSequence = Math.abs(distance) > MAX_MISORDER ? (packet.sequence + 1) & 0xffff : undefined;
    return isNext && this.restartSequence !== undefined;
  }

  /** The unwrapped incoming number; undefined when it is before the current source or far too late. */
  private place(packet: RtpPacket): number | undefined {
    const highest = this.highestIn ?? 0;
    const input = this.sequences.peek(packet.sequence);
    if (input < this.sourceFrom || Math.abs(highest - input) > MAX_MISORDER) return undefined;
    this.sequences.unwrap(packet.sequence);
    if (input > highest) this.highestIn = input;
    return input;
  }

  private outputOf(input: number): number | undefined {
    let next: Range | undefined;
    for (let i = this.ranges.length - 1; i >= 0; i--) {
      const range = this.ranges[i];
      if (range === undefined) return undefined;
      if (input >= range.from) {
        const output = input + range.offset;
        // The number of a packet that was dropped belongs to the one behind it.
        return next !== undefined && output >= next.from + next.offset ? undefined : output;
      }
      next = range;
    }
    return undefined;
  }

  private addRange(range: Range): void {
    this.ranges.push(range);
    if (this.ranges.length > MAX_RANGES) this.ranges = this.ranges.slice(MAX_RANGES / 4);
  }
}
