/** Video packets in any order in, complete access units in decoding order out. */
import { NackScheduler } from './nack_scheduler.js';
import { PacketRing } from './packet_ring.js';
import type { RtpPacket } from './packet.js';
import { SequenceUnwrapper, TimestampUnwrapper } from './sequence.js';
import { VideoFrameAssembler } from './video_frame_assembler.js';
import type { FramePart, VideoPayloadCodec } from './video_frame_assembler.js';
import type { VideoJitterBufferOptions, VideoPoll, VideoUnit } from './video_jitter_types.js';

export type { VideoPayloadCodec } from './video_frame_assembler.js';
export type * from './video_jitter_types.js';

interface Slot extends FramePart {
  /** Unwrapped. */
  sequence: number;
  marker: boolean;
}

/** Power of two, more than maxPackets and MAX_JUMP together. */
const CAPACITY = 4096;
/** Numbers further away than this are late beyond use or a restart of the sender. */
const MAX_JUMP = 2000;
/** Units that nobody fetched: about ten seconds. */
const MAX_READY = 300;
/** How many packets (delimiter, SEI, parameter sets) may lie in front of the first slice. */
const MAX_LEAD = 8;

/**
 * `frontier` is the first packet that has not been passed: all before it are in the frame that is being made, came out, or were given up. Each packet is looked at
 * once when the frontier passes it, so the cost per packet does not depend on how many are held.
 *
 * seeking: nothing can be decoded; the frontier rests until a packet behind it begins a key frame. Also the first state.
 * assembling: the frontier is in that key frame.
 * following: frames come out in order. A gap at the frontier is waited for until maxWaitMs or maxPackets, then seeking begins.
 */
export class VideoJitterBuffer {
  /** Distinct packets that came in time, padding included. */
  packets = 0;
  /** Packets that came again, or after they had been given up. */
  late = 0;
  /** How often a lost packet was given up. */
  skips = 0;

  private readonly ring = new PacketRing<Slot>(CAPACITY);
  private readonly frame: VideoFrameAssembler;
  private readonly nack = new NackScheduler({ maxJump: CAPACITY });
  private readonly sequences = new SequenceUnwrapper();
  private readonly timestamps = new TimestampUnwrapper();
  private readonly codec: VideoPayloadCodec;
  private readonly maxWaitMs: number;
  private readonly maxPackets: number;

  private ssrc: number | undefined;
  private state: 'seeking' | 'assembling' | 'following' = 'seeking';
  private frontier = 0;
  /** The packet before the frontier is known to end a frame. */
  private atBoundary = false;
  private highest: number | undefined;
  private assemblingSinceMs = 0;
  /** Since when the frontier is missing. */
  private blockedSinceMs: number | undefined;
  /** First packet of a possible restart of the sender: it counts when the next number follows. */
  private stray: RtpPacket | undefined;

  private ready: VideoUnit[] = [];
  private hadUnits = false;
  private lost = false;

  constructor(options: VideoJitterBufferOptions) {
    this.codec = options.codec;
    this.frame = new VideoFrameAssembler(options.codec);
    this.maxWaitMs = options.maxWaitMs ?? 500;
    this.maxPackets = Math.min(options.maxPackets ?? 1024, CAPACITY / 2);
  }

  /** Packets that came because they were asked for. */
  get recovered(): number {
    return this.nack.recovered;
  }

  /** H264: parameter sets of the SDP. */
  addParameterSet(nal: Buffer): void {
    this.frame.addParameterSet(nal);
  }

  /** For a new source. Complete units stay; the next one is a key frame, with afterLoss when there were units before. */
  reset(): void {
    this.restart();
    this.frame.reset();
    this.timestamps.reset();
    this.ssrc = undefined;
  }

  /** The payload is kept until its frame is complete. A packet of another SSRC resets the buffer. */
  push(packet: RtpPacket, nowMs: number): void {
    if (this.ssrc !== packet.ssrc) {
      if (this.ssrc !== undefined) this.reset();
      this.ssrc = packet.ssrc;
    }
    const sequence = this.accept(packet, nowMs);
    if (sequence !== undefined) this.insert(packet, sequence, nowMs);
  }

  /** What came out since the last call, and what to do about losses. Never throws. */
  poll(nowMs: number): VideoPoll {
    this.giveUpIfDue(nowMs);
    const units = this.ready;
    if (units.length > 0) this.ready = [];
    const nacks = this.nack.due(nowMs).map((sequence) => sequence & 0xffff);
    const giveUpAtMs = this.blockedSinceMs === undefined ? Infinity : this.blockedSinceMs + this.maxWaitMs;
    const nextPollAtMs = Math.min(giveUpAtMs, this.nack.nextDueAtMs ?? Infinity);
    const isOverdue = this.state === 'assembling' && nowMs - this.assemblingSinceMs > this.maxWaitMs;
    return {
      units,
      nacks,
      keyFrameNeeded: this.state === 'seeking' || isOverdue,
      nextPollAtMs: nextPollAtMs === Infinity ? undefined : nextPollAtMs,
    };
  }

  /** The unwrapped number; undefined when the packet is of no use. RFC 3550 A.1: two numbers in a row make a restart. */
  private accept(packet: RtpPacket, nowMs: number): number | undefined {
    const sequence = this.sequences.peek(packet.sequence);
    if (this.highest === undefined || Math.abs(sequence - this.highest) <= MAX_JUMP) {
      this.stray = undefined;
      return this.sequences.unwrap(packet.sequence);
    }
    const first = this.stray;
    this.stray = packet;
    if (first === undefined || ((first.sequence + 1) & 0xffff) !== packet.sequence) return undefined;
    this.restart();
    this.insert(first, this.sequences.unwrap(first.sequence), nowMs);
    return this.sequences.unwrap(packet.sequence);
  }

  private restart(): void {
    this.ring.clear();
    this.nack.reset();
    this.sequences.reset();
    this.stray = undefined;
    this.highest = undefined;
    this.seek(false);
  }

  private insert(packet: RtpPacket, sequence: number, nowMs: number): void {
    this.nack.onPacket(sequence, nowMs);
    if (this.highest === undefined) {
      this.frontier = sequence;
      this.highest = sequence;
    }
    if (sequence < this.frontier || this.ring.at(sequence) !== undefined) {
      this.late += 1;
      return;
    }
    this.packets += 1;
    if (sequence > this.highest) this.highest = sequence;
    const timestamp = this.timestamps.unwrap(packet.timestamp);
    const { marker, payload } = packet;
    this.ring.set({ sequence, timestamp, marker, payload, arrivalMs: nowMs });
    if (this.state === 'seeking') {
      this.proceed(sequence, Math.min(sequence + MAX_LEAD, this.highest), nowMs);
    } else if (sequence === this.frontier) {
      this.proceed(sequence, this.highest, nowMs);
    }
    if (this.state === 'seeking') this.boundWindow(this.highest);
    this.noteBlocked(nowMs);
  }

  /** Moves the frontier as far as it goes. While seeking, only a key frame that begins from `from` to `to` gets it going. */
  private proceed(from: number, to: number, nowMs: number): void {
    while (this.state !== 'seeking' || this.beginKeyFrame(from, to, nowMs)) {
      this.advance();
      if (this.state !== 'seeking') return;
      // A frame was broken, or was no key frame: what is held already may begin another.
      from = this.frontier;
      to = this.highest ?? from;
    }
  }

  private beginKeyFrame(from: number, to: number, nowMs: number): boolean {
    for (let sequence = from; sequence <= to; sequence++) {
      const slot = this.ring.at(sequence);
      const start = slot === undefined ? undefined : this.keyFrameAt(slot);
      if (start === undefined) continue;
      this.clearUntil(start);
      this.state = 'assembling';
      this.assemblingSinceMs = nowMs;
      return true;
    }
    return false;
  }

  /** The number of the first packet of the key frame that this packet begins. */
  private keyFrameAt(slot: Slot): number | undefined {
    const kind = this.frame.keyFrameStart(slot.payload);
    if (kind === 'none') return undefined;
    let start = slot.sequence;
    let before = this.held(start - 1);
    while (before?.timestamp === slot.timestamp && before.payload.length > 0 && slot.sequence - start < MAX_LEAD) {
      start -= 1;
      before = this.held(start - 1);
    }
    // Parameter sets can be missing in front of a slice, unless what is in front is known.
    const isKnown = before !== undefined || (start === this.frontier && this.atBoundary);
    return kind === 'parameter_sets' || isKnown ? start : undefined;
  }

  private held(sequence: number): Slot | undefined {
    return sequence < this.frontier ? undefined : this.ring.at(sequence);
  }

  /** Passes what is there, until a gap or until seeking begins. */
  private advance(): void {
    let slot = this.ring.at(this.frontier);
    while (slot !== undefined) {
      if (this.frame.endsBefore(slot) && !this.finishFrame()) return;
      this.ring.delete(slot.sequence);
      this.frontier += 1;
      this.frame.add(slot);
      if (slot.marker && slot.payload.length > 0 && !this.finishFrame()) return;
      slot = this.ring.at(this.frontier);
    }
  }

  /** False: seeking begins. */
  private finishFrame(): boolean {
    const frame = this.frame.finish();
    if (frame === undefined || (this.state === 'assembling' && !frame.keyFrame) || this.ready.length >= MAX_READY) {
      this.seek(true);
      return false;
    }
    this.state = 'following';
    this.ready.push({ codec: this.codec, ...frame, afterLoss: this.lost });
    this.hadUnits = true;
    this.lost = false;
    return true;
  }

  private seek(atBoundary: boolean): void {
    this.state = 'seeking';
    this.atBoundary = atBoundary;
    this.blockedSinceMs = undefined;
    this.frame.drop();
    this.lost = this.hadUnits;
  }

  private clearUntil(end: number): void {
    for (; this.frontier < end; this.frontier++) this.ring.delete(this.frontier);
    this.nack.forgetBefore(end);
  }

  private boundWindow(highest: number): void {
    const floor = highest - this.maxPackets;
    if (this.frontier >= floor) return;
    this.clearUntil(floor);
    this.atBoundary = false;
  }

  private noteBlocked(nowMs: number): void {
    if (this.state === 'seeking' || this.highest === undefined || this.frontier > this.highest) {
      this.blockedSinceMs = undefined;
      return;
    }
    this.blockedSinceMs = this.nack.missingSinceMs(this.frontier) ?? this.blockedSinceMs ?? nowMs;
  }

  private giveUpIfDue(nowMs: number): void {
    while (this.blockedSinceMs !== undefined && this.highest !== undefined) {
      const isFull = this.highest - this.frontier > this.maxPackets;
      if (nowMs - this.blockedSinceMs < this.maxWaitMs && !isFull) return;
      this.skips += 1;
      let next = this.frontier + 1;
      while (next <= this.highest && this.ring.at(next) === undefined) next += 1;
      this.clearUntil(next);
      this.seek(false);
      this.proceed(next, this.highest, nowMs);
      this.noteBlocked(nowMs);
    }
  }
}
