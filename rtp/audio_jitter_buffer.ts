/** Opus packets as they come in, an even flow of sound out. */
import { AudioDelayEstimator } from './audio_delay_estimator.js';
import type { AudioJitterBufferOptions, AudioJitterPacket, AudioJitterStats, AudioPull } from './audio_jitter_types.js';
import { opusPacketSamples } from './opus.js';

export type * from './audio_jitter_types.js';

const SAMPLES_PER_MS = 48;
const STEP_SAMPLES = 480;
const DEFAULT_PACKET_SAMPLES = 960;
const MAX_UNDERRUN_SAMPLES = 120 * SAMPLES_PER_MS;
const MAX_PACKETS = 200;
/** How many numbers back repeats are known; a power of two above MAX_PACKETS. */
const SEEN = 512;
/** Opus decoders conceal in steps of 2.5 ms. */
const CONCEAL_STEP = 120;
/** More lost packets, or a longer hole, than this are not concealed one by one. */
const MAX_LOST_RUN = 10;
const MAX_HOLE_SAMPLES = 500 * SAMPLES_PER_MS;
/** Timestamps that differ by less from what was expected are taken as expected. */
const TIMESTAMP_TOLERANCE = CONCEAL_STEP;
/** A transit this far from the recent ones is a new start of the sender, or sound too old to be of use. */
const RESTART_TRANSIT_MS = 2000;
const RESTART_SEQUENCES = 1000;
/** So many in a row whose turn has passed, one number after the other: the sender counts anew from less than RESTART_SEQUENCES back. Half a second. */
const RESTART_PAST_RUN = 25;
const STRETCH_SAMPLES = 240;
const STRETCH_INTERVAL_MS = 100;
const TOO_LONG_MS = 15;
const TOO_SHORT_MS = 8;
const DROP_MS = 100;
/** Opus sends at most this many bytes for silence. */
const SILENT_BYTES = 3;

/**
 * The caller pulls whenever its decoder needs more, so that what was pulled (with gaps and waits) adds up to real time. A packet is played as soon as it
 * is wanted; the delay is what the first packet was held back, plus what underruns added, minus what `stretchSamples` and drops took away. It
 * follows a target that the measured jitter sets.
 */
export class AudioJitterBuffer<T extends AudioJitterPacket> {
  private readonly estimator: AudioDelayEstimator;
  private readonly packetSamples: (payload: Buffer) => number;
  /** Ascending by sequence. */
  private packets: T[] = [];
  private isPlaying = false;
  private nextSequence: number | undefined;
  private highest: number | undefined;
  /** By the low bits of the number: which packets came. */
  private readonly seen = new Float64Array(SEEN).fill(NaN);
  private nextTimestamp = 0;
  /** Packets in a row whose turn has passed, and the number of the last one. */
  private readonly past = { run: 0, last: NaN };
  /** Concealed by underruns since the last packet. */
  private underrunSamples = 0;
  private levelMs: number | undefined;
  private stretchedAtMs = -Infinity;
  private lastSamples = DEFAULT_PACKET_SAMPLES;
  private pendingDropped = 0;
  private readonly counts = { played: 0, lost: 0, late: 0, dropped: 0, underruns: 0, concealedSamples: 0 };

  constructor(options: AudioJitterBufferOptions = {}) {
    const minMs = options.minDelayMs ?? 20;
    this.estimator = new AudioDelayEstimator({
      minMs,
      maxMs: options.maxDelayMs ?? 200,
      startMs: options.startDelayMs ?? 40,
    });
    this.packetSamples = options.packetSamples ?? opusPacketSamples;
  }

  stats(): AudioJitterStats {
    return {
      ...this.counts,
      targetDelayMs: this.estimator.targetMs,
      delayMs: this.levelMs ?? 0,
      buffered: this.packets.length,
    };
  }

  /** Repeats and packets whose turn has passed are thrown away. */
  push(packet: T, nowMs: number): void {
    const step = this.nextSequence === undefined ? 0 : packet.sequence - this.nextSequence;
    if (Math.abs(step) > RESTART_SEQUENCES) this.reset();
    const transitMs = packet.arrivalMs - packet.timestamp / SAMPLES_PER_MS;
    const fastestMs = this.estimator.fastestTransitMs;
    if (fastestMs !== undefined && Math.abs(transitMs - fastestMs) > RESTART_TRANSIT_MS) this.reset();
    const isRepeat = this.isRepeat(packet.sequence);
    const isPast = isRepeat || (this.nextSequence !== undefined && packet.sequence < this.nextSequence);
    if (!isPast) this.past.run = 0;
    else if (this.hasGoneBack(packet.sequence)) {
      this.reset();
      this.push(packet, nowMs);
      return;
    }
    if (isRepeat) return;
    const isInOrder = this.highest === undefined || packet.sequence > this.highest;
    if (isInOrder) this.highest = packet.sequence;
    const delayMs = this.estimator.onPacket(transitMs, packet.arrivalMs, isInOrder);
    if (isPast) {
      this.counts.late += 1;
      this.estimator.onLate(delayMs, nowMs);
      return;
    }
    const isOverdue = packet.timestamp - this.nextTimestamp < this.underrunSamples;
    if (this.isPlaying && isOverdue && packet.sequence === this.nextSequence) this.estimator.onLate(delayMs, nowMs);
    this.insert(packet);
  }

  pull(nowMs: number): AudioPull<T> {
    if (!this.isPlaying && !this.tryStart(nowMs)) return { kind: 'wait' };
    this.dropExcess(nowMs);
    const head = this.packets[0];
    if (head === undefined || this.nextSequence === undefined) return this.underrun();
    const missing = head.sequence - this.nextSequence;
    const hole = head.timestamp - this.nextTimestamp - this.underrunSamples;
    if (missing > MAX_LOST_RUN || hole > MAX_HOLE_SAMPLES) {
      this.counts.lost += missing;
      this.isPlaying = false;
      this.nextSequence = head.sequence;
      return this.pull(nowMs);
    }
    if (hole > TIMESTAMP_TOLERANCE) {
      if (missing > 0) return this.lostGap(head, missing, hole);
      // While the sender pauses time may be made up for: the silence ends when the packet is due.
      if (this.delayOf(head, nowMs) < this.estimator.targetMs) return this.silentGap(hole);
    }
    this.counts.lost += missing;
    return this.play(head, nowMs);
  }

  /** For a new stream. */
  reset(): void {
    this.packets = [];
    this.isPlaying = false;
    this.nextSequence = undefined;
    this.highest = undefined;
    this.seen.fill(NaN);
    this.underrunSamples = 0;
    this.levelMs = undefined;
    this.pendingDropped = 0;
    this.past.run = 0;
    this.estimator.reset();
  }

  private hasGoneBack(sequence: number): boolean {
    this.past.run = sequence === this.past.last + 1 ? this.past.run + 1 : 1;
    this.past.last = sequence;
    return this.past.run >= RESTART_PAST_RUN;
  }

  private isRepeat(sequence: number): boolean {
    const index = sequence & (SEEN - 1);
    if (this.seen[index] === sequence) return true;
    this.seen[index] = sequence;
    return false;
  }

  private insert(packet: T): void {
    let at = this.packets.length;
    while (at > 0 && (this.packets[at - 1]?.sequence ?? -Infinity) > packet.sequence) at -= 1;
    this.packets.splice(at, 0, packet);
    if (this.packets.length > MAX_PACKETS) this.discardHead();
  }

  /** How long after the fastest possible time the packet would be played now. */
  private delayOf(packet: T, nowMs: number): number {
    return nowMs - packet.timestamp / SAMPLES_PER_MS - (this.estimator.fastestTransitMs ?? 0);
  }

  private tryStart(nowMs: number): boolean {
    const head = this.packets[0];
    if (head === undefined || this.delayOf(head, nowMs) < this.estimator.targetMs) return false;
    this.isPlaying = true;
    this.nextSequence = head.sequence;
    this.nextTimestamp = head.timestamp;
    this.underrunSamples = 0;
    this.levelMs = undefined;
    return true;
  }

  private discardHead(): void {
    const head = this.packets.shift();
    if (head === undefined) return;
    this.counts.dropped += 1;
    this.pendingDropped += 1;
    this.nextSequence = head.sequence + 1;
    this.nextTimestamp = head.timestamp + (this.packetSamples(head.payload) || this.lastSamples);
    this.underrunSamples = 0;
  }

  private dropExcess(nowMs: number): void {
    while (this.packets.length > 1) {
      const head = this.packets[0];
      if (head === undefined) return;
      const excessMs = this.delayOf(head, nowMs) - this.estimator.targetMs;
      const lengthMs = (this.packetSamples(head.payload) || this.lastSamples) / SAMPLES_PER_MS;
      const isSilent = head.payload.length <= SILENT_BYTES;
      if (excessMs <= (isSilent ? lengthMs + TOO_LONG_MS : DROP_MS)) return;
      this.discardHead();
    }
  }

  private underrun(): AudioPull<T> {
    if (this.underrunSamples >= MAX_UNDERRUN_SAMPLES) {
      this.isPlaying = false;
      return { kind: 'wait' };
    }
    if (this.underrunSamples === 0) this.counts.underruns += 1;
    this.underrunSamples += STEP_SAMPLES;
    this.counts.concealedSamples += STEP_SAMPLES;
    return { kind: 'gap', samples: STEP_SAMPLES, cause: 'underrun' };
  }

  private lostGap(head: T, missing: number, hole: number): AudioPull<T> {
    const samples = roundDown(Math.min(hole, this.lastSamples));
    this.counts.lost += 1;
    this.counts.concealedSamples += samples;
    this.nextSequence = head.sequence - missing + 1;
    this.nextTimestamp += samples + this.underrunSamples;
    this.underrunSamples = 0;
    return { kind: 'gap', samples, cause: 'lost', ...(missing === 1 ? { next: head } : {}) };
  }

  private silentGap(hole: number): AudioPull<T> {
    const samples = roundDown(Math.min(hole, STEP_SAMPLES));
    this.nextTimestamp += samples + this.underrunSamples;
    this.underrunSamples = 0;
    return { kind: 'gap', samples, cause: 'silence' };
  }

  private play(head: T, nowMs: number): AudioPull<T> {
    this.packets.shift();
    const delayMs = this.delayOf(head, nowMs);
    this.levelMs = this.levelMs === undefined ? delayMs : this.levelMs + (delayMs - this.levelMs) / 16;
    this.lastSamples = this.packetSamples(head.payload) || this.lastSamples;
    this.nextSequence = head.sequence + 1;
    this.nextTimestamp = head.timestamp + this.lastSamples;
    this.underrunSamples = 0;
    this.counts.played += 1;
    const dropped = this.pendingDropped;
    this.pendingDropped = 0;
    return { kind: 'packet', packet: head, stretchSamples: this.stretch(nowMs), dropped };
  }

  private stretch(nowMs: number): number {
    if (this.levelMs === undefined || nowMs - this.stretchedAtMs < STRETCH_INTERVAL_MS) return 0;
    const differenceMs = this.levelMs - this.estimator.targetMs;
    const sign = differenceMs > TOO_LONG_MS ? -1 : differenceMs < -TOO_SHORT_MS ? 1 : 0;
    if (sign === 0) return 0;
    this.stretchedAtMs = nowMs;
    const limit = Math.floor(this.lastSamples / 2);
    const samples = sign * Math.min(STRETCH_SAMPLES, limit);
    // As it will be when the caller follows; the next packets correct it when not.
    this.levelMs += samples / SAMPLES_PER_MS;
    return samples;
  }
}

/** `samples` is above CONCEAL_STEP or a length of a packet, so the result is never 0. */
function roundDown(samples: number): number {
  return Math.max(Math.floor(samples / CONCEAL_STEP), 1) * CONCEAL_STEP;
}
