/** Video packets in any order in, complete access units in decoding order out. */
import { H264Depacketizer, h264KeyFrameStart } from './h264_depacketizer.js';
import type { AssembledFrame, KeyFrameStart } from './h264_depacketizer.js';
import { NackScheduler } from './nack_scheduler.js';
import type { RtpPacket } from './packet.js';
import { SequenceUnwrapper, TimestampUnwrapper } from './sequence.js';
import { Vp8Depacketizer, isVp8KeyFrameStart } from './vp8.js';

export type VideoPayloadCodec = 'h264' | 'vp8';

export interface VideoJitterBufferOptions {
  codec: VideoPayloadCodec;
  /** How long a lost packet is waited for before everything up to the next key frame is skipped. */
  maxWaitMs?: number;
  /** How many packets may be held behind a lost one; at most 2048. */
  maxPackets?: number;
}

export interface VideoUnit {
  codec: VideoPayloadCodec;
  /** H264: Annex B, parameter sets in front of every key frame. VP8: one frame. */
  data: Buffer;
  keyFrame: boolean;
  /** Of the picture, or of the last key frame; 0 before. */
  width: number;
  height: number;
  /** RTP time, unwrapped, 90 kHz; its low 32 bits are those of the packets. */
  timestamp: number;
  /** When its first packet (in sequence) came. */
  arrivalMs: number;
  /** Units between the one before and this one are missing. */
  afterLoss: boolean;
}

export interface VideoPoll {
  units: VideoUnit[];
  /** 16-bit sequence numbers to ask for now. */
  nacks: number[];
  /** Nothing comes out before a key frame, and none is on its way. Stays true: the caller limits the rate of its requests. */
  keyFrameNeeded: boolean;
  /** When poll() must be called at the latest if no packet comes; undefined: not before the next packet. */
  nextPollAtMs: number | undefined;
}

interface Slot {
  sequence: number;
  /** Unwrapped. */
  timestamp: number;
  marker: boolean;
  payload: Buffer;
  arrivalMs: number;
}

/** Power of two, more than maxPackets and MAX_JUMP together. */
const CAPACITY = 4096;
const MASK = CAPACITY - 1;
/** Numbers further away than this are late beyond use or a restart of the sender. */
const MAX_JUMP = 2000;
/** Units that nobody fetched: about ten seconds. */
const MAX_READY = 300;
/** How many packets (delimiter, SEI, PPS) are looked over for the IDR slice behind them. */
const MAX_LEAD = 4;

/**
 * `frontier` is the first packet that has not been passed: all before it are in `parts`, came out, or were given up. Each packet is looked at
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

  private readonly slots: (Slot | undefined)[] = new Array<Slot | undefined>(CAPACITY).fill(undefined);
  private readonly depacketizer: H264Depacketizer | Vp8Depacketizer;
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

  /** The frame at the frontier. */
  private parts: Buffer[] = [];
  private partsTimestamp = 0;
  private partsArrivalMs = 0;

  private ready: VideoUnit[] = [];
  private hadUnits = false;
  private lost = false;

  constructor(options: VideoJitterBufferOptions) {
    this.codec = options.codec;
    this.depacketizer = options.codec === 'h264' ? new H264Depacketizer() : new Vp8Depacketizer();
    this.maxWaitMs = options.maxWaitMs ?? 500;
    this.maxPackets = Math.min(options.maxPackets ?? 1024, CAPACITY / 2);
  }

  /** Packets that came because they were asked for. */
  get recovered(): number {
    return this.nack.recovered;
  }

  /** H264: parameter sets of the SDP. */
  addParameterSet(nal: Buffer): void {
    if (this.depacketizer instanceof H264Depacketizer) this.depacketizer.addParameterSet(nal);
  }

  /** For a new source. Complete units stay; the next one is a key frame, with afterLoss when there were units before. */
  reset(): void {
    this.restart();
    this.depacketizer.reset();
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
    this.slots.fill(undefined);
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
    if (sequence < this.frontier || this.slotAt(sequence) !== undefined) {
      this.late += 1;
      return;
    }
    this.packets += 1;
    if (sequence > this.highest) this.highest = sequence;
    const timestamp = this.timestamps.unwrap(packet.timestamp);
    this.slots[sequence & MASK] = {
      sequence,
      timestamp,
      marker: packet.marker,
      payload: packet.payload,
      arrivalMs: nowMs,
    };
    if (this.state === 'seeking') {
      this.seekFrom(sequence, Math.min(sequence + MAX_LEAD, this.highest), nowMs);
      if (this.state === 'seeking') this.boundWindow(this.highest);
    } else if (sequence === this.frontier) {
      this.advance(nowMs);
    }
    this.noteBlocked(nowMs);
  }

  private slotAt(sequence: number): Slot | undefined {
    const slot = this.slots[sequence & MASK];
    return slot?.sequence === sequence ? slot : undefined;
  }

  private clearUntil(end: number): void {
    for (; this.frontier < end; this.frontier++) this.slots[this.frontier & MASK] = undefined;
    this.nack.forgetBefore(end);
  }

  private seek(atBoundary: boolean): void {
    this.state = 'seeking';
    this.atBoundary = atBoundary;
    this.blockedSinceMs = undefined;
    this.parts = [];
    this.lost = this.hadUnits;
  }

  private boundWindow(highest: number): void {
    const floor = highest - this.maxPackets;
    if (this.frontier >= floor) return;
    this.clearUntil(floor);
    this.atBoundary = false;
  }

  /** Looks at the packets from `from` to `to` for one that begins a key frame. */
  private seekFrom(from: number, to: number, nowMs: number): void {
    for (let sequence = from; sequence <= to; sequence++) {
      const slot = this.slotAt(sequence);
      const start = slot === undefined ? undefined : this.keyFrameAt(slot);
      if (start === undefined) continue;
      this.clearUntil(start);
      this.state = 'assembling';
      this.assemblingSinceMs = nowMs;
      this.advance(nowMs);
      return;
    }
  }

  /** The number of the first packet of the key frame that this packet begins. */
  private keyFrameAt(slot: Slot): number | undefined {
    const kind = this.keyFrameStart(slot.payload);
    if (kind === 'none') return undefined;
    let start = slot.sequence;
    let before = start > this.frontier ? this.slotAt(start - 1) : undefined;
    while (before !== undefined && before.timestamp === slot.timestamp && before.payload.length > 0) {
      start -= 1;
      before = start > this.frontier ? this.slotAt(start - 1) : undefined;
    }
    // Parameter sets can be missing in front of a slice, unless what is in front is known.
    const isKnown = before !== undefined || (start === this.frontier && this.atBoundary);
    return kind === 'parameter_sets' || isKnown ? start : undefined;
  }

  private keyFrameStart(payload: Buffer): KeyFrameStart {
    if (this.codec === 'h264') return h264KeyFrameStart(payload);
    return isVp8KeyFrameStart(payload) ? 'parameter_sets' : 'none';
  }

  /** Moves the frontier over what is there. */
  private advance(nowMs: number): void {
    let slot = this.slotAt(this.frontier);
    while (slot !== undefined) {
      if (this.parts.length > 0 && slot.payload.length > 0 && slot.timestamp !== this.partsTimestamp)
        this.finishFrame();
      if (this.state !== 'seeking') this.pass(slot);
      if (this.state === 'seeking') {
        // A frame was broken or no key frame: what is held already may begin another.
        this.seekFrom(this.frontier, this.highest ?? this.frontier, nowMs);
        return;
      }
      slot = this.slotAt(this.frontier);
    }
  }

  private pass(slot: Slot): void {
    this.slots[slot.sequence & MASK] = undefined;
    this.frontier = slot.sequence + 1;
    // Padding only (RFC 3550 section 5.1) takes a number and belongs to no frame.
    if (slot.payload.length === 0) return;
    if (this.parts.length === 0) {
      this.partsTimestamp = slot.timestamp;
      this.partsArrivalMs = slot.arrivalMs;
    }
    this.parts.push(slot.payload);
    if (slot.marker) this.finishFrame();
  }

  private finishFrame(): void {
    const frame = this.depacketizer.assemble(this.parts);
    this.parts = [];
    if (frame === undefined || (this.state === 'assembling' && !frame.keyFrame) || this.ready.length >= MAX_READY) {
      this.seek(true);
      return;
    }
    this.state = 'following';
    this.ready.push(this.unitOf(frame));
    this.hadUnits = true;
    this.lost = false;
  }

  private unitOf(frame: AssembledFrame): VideoUnit {
    return {
      codec: this.codec,
      ...frame,
      timestamp: this.partsTimestamp,
      arrivalMs: this.partsArrivalMs,
      afterLoss: this.lost,
    };
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
      while (next <= this.highest && this.slotAt(next) === undefined) next += 1;
      this.clearUntil(next);
      this.seek(false);
      this.seekFrom(next, this.highest, nowMs);
      this.noteBlocked(nowMs);
    }
  }
}
