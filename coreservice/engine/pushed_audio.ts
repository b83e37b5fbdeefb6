import type { Resampler } from '../codec/types.js';
import { FullEdge } from './full_edge.js';
import { SampleQueue } from './sample_queue.js';
import type { AudioShape } from '../ipc/extension.js';

const RATE = 48_000;
/** A rest shorter than a packet waits this long for more before it is sent with silence behind it. */
const REST_WAIT_MS = 40;

export interface PushedChunk {
  samples: Int16Array;
  durationMs: number;
  /** The pushed timestamp. */
  ptsMs: number;
  /** The sentence that it belongs to, when the host counts sentences. */
  sentence?: Sentence;
}

export interface Sentence {
  id: number;
  sequence: number;
  /** The last chunk of it. */
  isEnd: boolean;
}

export interface PushedAudioOptions {
  capacityMs: number;
  /** What the publisher sends: 48 kHz and these channels. */
  channels: 1 | 2;
  createResampler: (from: AudioShape, to: AudioShape) => Resampler;
  onFull: (isFull: boolean) => void;
  onConsumed: () => void;
  /** The first sample of a sentence leaves, or its last one has left. */
  onSentence: (edge: 'begin' | 'end', sentence: Sentence) => void;
}

/**
 * Pushed sound on its way out, in milliseconds: chunks in the pushed shape, then samples in the published one. What was pushed is consumed once: when it is
 * sent, cleared or refused.
 */
export class PushedAudio {
  readonly #chunks: PushedChunk[] = [];
  readonly #ready = new SampleQueue();
  readonly #edge: FullEdge;
  #resampler: Resampler | undefined;
  #source: AudioShape | undefined;
  #chunksMs = 0;
  #pushedMs = 0;
  #lastPushMs = 0;
  #sentenceId: number | undefined;
  /** Samples taken since the beginning, and what is to be told when so many have been. */
  #taken = 0;
  #marks: { at: number; tell: () => void }[] = [];
  /** Inserted silence that has not been taken, in samples taken since the beginning. */
  #silences: { start: number; end: number }[] = [];
  capacityMs: number;
  #channels: 1 | 2;

  constructor(private readonly options: PushedAudioOptions) {
    this.capacityMs = options.capacityMs;
    this.#channels = options.channels;
    this.#edge = new FullEdge(options.onFull);
  }

  /** Of what was pushed: silence between two chunks takes no room. */
  get queuedMs(): number {
    return this.#chunksMs + this.#readyMs - this.#silentMs;
  }

  /** Everything that was ever pushed, less what waits. */
  get consumedMs(): number {
    return Math.floor(this.#pushedMs - this.queuedMs);
  }

  get nextPtsMs(): number | undefined {
    return this.#chunks[0]?.ptsMs;
  }

  /** Milliseconds that are converted and go out next. */
  get #readyMs(): number {
    return (this.#ready.length / this.#channels / RATE) * 1000;
  }

  get readyMs(): number {
    return this.#readyMs;
  }

  get #silentMs(): number {
    const samples = this.#silences.reduce((sum, { start, end }) => sum + end - Math.max(start, this.#taken), 0);
    return (samples / this.#channels / RATE) * 1000;
  }

  /** A new shape of what is pushed, or of what is published: what waits goes with the old one. */
  setShapes(source: AudioShape, channels: 1 | 2): void {
    const same =
      this.#source?.sampleRate === source.sampleRate &&
      this.#source.channels === source.channels &&
      this.#channels === channels;
    if (same) return;
    this.clear();
    this.#source = source;
    this.#channels = channels;
  }

  /** False: it does not fit, nothing of it is kept. */
  push(chunk: PushedChunk, nowMs: number): boolean {
    this.#pushedMs += chunk.durationMs;
    if (this.queuedMs + chunk.durationMs > this.capacityMs) {
      this.#edge.refused();
      this.options.onConsumed();
      return false;
    }
    this.#chunks.push(chunk);
    this.#chunksMs += chunk.durationMs;
    this.#lastPushMs = nowMs;
    return true;
  }

  /** Pushed, but for other reasons than room not taken. */
  discard(durationMs: number): void {
    this.#pushedMs += durationMs;
    this.options.onConsumed();
  }

  /** Converts the oldest chunk; false without one. */
  convertNext(): boolean {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return false;
    this.#chunksMs = this.#chunks.length === 0 ? 0 : this.#chunksMs - chunk.durationMs;
    const start = this.#taken + this.#ready.length;
    this.#ready.push(this.#convert(chunk.samples));
    if (chunk.sentence !== undefined) this.#mark(chunk.sentence, start, this.#taken + this.#ready.length);
    return true;
  }

  /** Silence between two chunks of one time line. */
  insertSilence(durationMs: number): void {
    const samples = Math.round((durationMs * RATE) / 1000) * this.#channels;
    // It was not pushed, so it must not be counted as consumed when it leaves: whoever pushes would take it for room.
    const start = this.#taken + this.#ready.length;
    this.#silences.push({ start, end: start + samples });
    this.#ready.push(new Int16Array(samples));
  }

  /**
   * Fills one packet. False: there is not enough yet, send silence. A rest that nothing follows goes out with silence behind it; at once with `flush`.
   */
  takePacket(into: Int16Array, nowMs: number, flush: boolean): boolean {
    if (this.#ready.length === 0) return false;
    if (!flush && this.#ready.length < into.length && nowMs - this.#lastPushMs < REST_WAIT_MS) return false;
    const taken = this.#ready.take(into);
    into.fill(0, taken);
    this.#taken += taken;
    this.#silences = this.#silences.filter(({ end }) => end > this.#taken);
    for (let mark = this.#marks[0]; mark !== undefined && mark.at <= this.#taken; mark = this.#marks[0]) {
      this.#marks.shift();
      mark.tell();
    }
    this.#afterTaking();
    return true;
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#chunksMs = 0;
    this.#ready.clear();
    this.#marks = [];
    this.#silences = [];
    this.#sentenceId = undefined;
    this.#resampler?.close();
    this.#resampler = undefined;
    this.#afterTaking();
  }

  #mark(sentence: Sentence, start: number, end: number): void {
    if (sentence.id !== this.#sentenceId)
      this.#marks.push({ at: start + 1, tell: () => this.options.onSentence('begin', sentence) });
    this.#sentenceId = sentence.isEnd ? undefined : sentence.id;
    if (sentence.isEnd) this.#marks.push({ at: end, tell: () => this.options.onSentence('end', sentence) });
  }

  #afterTaking(): void {
    this.options.onConsumed();
    this.#edge.level(this.queuedMs, this.capacityMs);
  }

  #convert(samples: Int16Array): Int16Array {
    const source = this.#source;
    if (source === undefined || (source.sampleRate === RATE && source.channels === this.#channels)) return samples;
    this.#resampler ??= this.options.createResampler(source, { sampleRate: RATE, channels: this.#channels });
    return this.#resampler.convert(samples);
  }
}
