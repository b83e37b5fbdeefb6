import { EventEmitter } from 'node:events';
import { NackScheduler } from '../../../rtp/nack.js';
import type { RtpPacket } from '../../../rtp/packet.js';
import type { ReportBlock, SenderReport } from '../../../rtp/rtcp.js';
import { SequenceUnwrapper, TimestampUnwrapper } from '../../../rtp/sequence.js';
import type { ReceivedCodec, ReceivedSection } from '../sdp/received_sections.js';
import type { AudioPacket, RemoteAudioTrack, RemoteTrackStats } from '../types.js';
import { ReceivedStream, type ReceiveContext } from './received_stream.js';

const CLOCK_RATE = 48_000;
/** Sound that comes later than this is of no use, so it is asked for only early. */
const NACK_SCHEDULE_MS = [10, 50, 100] as const;
const NACK_GIVE_UP_MS = 200;
/** How many numbers back a repeat is recognized: ten seconds. */
const WINDOW = 512;

/** A received sound stream: Opus packets as they come, repeats left out, lost ones asked for. */
export class ReceivedAudioTrack
  extends EventEmitter<{ packet: [packet: AudioPacket]; ended: [] }>
  implements RemoteAudioTrack
{
  readonly kind = 'audio';
  readonly sid: string;
  readonly #context: ReceiveContext;
  readonly #stream: ReceivedStream;
  #codecs: ReadonlyMap<number, ReceivedCodec>;
  #usesNack: boolean;
  readonly #sequences = new SequenceUnwrapper();
  readonly #timestamps = new TimestampUnwrapper();
  readonly #nack = new NackScheduler({ scheduleMs: NACK_SCHEDULE_MS, giveUpMs: NACK_GIVE_UP_MS, maxOutstanding: 50 });
  readonly #seen = new Float64Array(WINDOW).fill(NaN);
  #highest = -Infinity;
  #frames = 0;
  #ended = false;
  readonly #poll = (): void => this.#askForLost(this.#context.nowMs());

  constructor(section: ReceivedSection, context: ReceiveContext) {
    super();
    this.sid = section.trackSid;
    this.#context = context;
    this.#stream = new ReceivedStream(section.ssrcs[0] ?? 0, CLOCK_RATE);
    this.#codecs = section.codecs;
    this.#usesNack = section.nack;
  }

  update(section: ReceivedSection): void {
    this.#codecs = section.codecs;
    this.#usesNack = section.nack;
  }

  onRtp(packet: RtpPacket, nowMs: number): void {
    if (this.#ended || this.#codecs.get(packet.payloadType) !== 'opus') return;
    if (packet.ssrc !== this.#stream.ssrc) this.#nack.reset();
    this.#stream.onPacket(packet, nowMs);
    const sequence = this.#sequences.unwrap(packet.sequence);
    this.#nack.onPacket(sequence, nowMs);
    if (this.#usesNack) this.#askForLost(nowMs);
    if (this.#isRepeated(sequence) || packet.payload.length === 0) return;
    this.#frames += 1;
    const timestamp = this.#timestamps.unwrap(packet.timestamp);
    const captureTimeUs = this.#stream.captureTimeUs(timestamp, nowMs);
    this.emit('packet', { payload: packet.payload, sequence, timestamp, captureTimeUs, arrivalMs: nowMs });
  }

  #isRepeated(sequence: number): boolean {
    const slot = ((sequence % WINDOW) + WINDOW) % WINDOW;
    if (sequence <= this.#highest - WINDOW || this.#seen[slot] === sequence) return true;
    this.#seen[slot] = sequence;
    this.#highest = Math.max(this.#highest, sequence);
    return false;
  }

  #askForLost(nowMs: number): void {
    const due = this.#nack.due(nowMs);
    if (due.length > 0) {
      const sequences = due.map((sequence) => sequence & 0xffff);
      const { localSsrc, sendRtcp } = this.#context;
      sendRtcp([{ kind: 'nack', senderSsrc: localSsrc, mediaSsrc: this.#stream.ssrc, sequences }]);
    }
    this.#context.pollTimer.schedule(this.#poll, this.#nack.nextDueAtMs);
  }

  onSenderReport(report: SenderReport, nowMs: number): void {
    this.#stream.onSenderReport(report, nowMs);
  }

  takeReport(nowMs: number): ReportBlock | undefined {
    return this.#stream.takeReport(nowMs);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#context.pollTimer.schedule(this.#poll, undefined);
    this.emit('ended');
  }

  stats(): RemoteTrackStats {
    return { ...this.#stream.stats(), recovered: this.#nack.recovered, frames: this.#frames, keyFrameRequests: 0 };
  }
}
