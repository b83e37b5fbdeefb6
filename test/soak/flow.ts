import type { Engine } from '../../client/index.js';
import { level, toneShare } from '../support/media/tones.js';
import { readPictureNumber } from '../support/media/numbered_picture.js';
import type { WatchedFlow } from './flow_watch.js';
import { NumberCheck } from './number_check.js';
import { NumberDecoder } from './number_decoder.js';
import { ANCHOR, TONES, type ClientFigures } from './protocol.js';

export const FLOW_KINDS = ['local', 'grpc', 'encoded', 'sound', 'mixed', 'aac'] as const;
/** Pictures by shared memory or by gRPC, access units; sound of one user, or of all. */
export type FlowKind = (typeof FLOW_KINDS)[number];

export interface FlowOptions {
  engine: Engine;
  kind: FlowKind;
  /** The user who sends. Of the mixed sound: the one who has to be in it at least. */
  uid: string;
  /** The slot that reads. */
  reader: string;
  isExpected: () => boolean;
  figures: ClientFigures;
  onProblem: (problem: string) => void;
}

const SAMPLE_RATE_HZ = 16_000;
/** Blocks of 50 ms tell a tone well enough. */
const BLOCK_SAMPLES = SAMPLE_RATE_HZ / 20;
const LEAST_TONE = 0.6;
const LEAST_LEVEL = 0.02;

/** One media stream of an engine, read for its content until it is closed. */
export class Flow implements WatchedFlow {
  readonly name: string;
  readonly who: readonly string[];
  readonly isExpected: () => boolean;
  progress = 0;
  readonly #options: FlowOptions;
  readonly #abort = new AbortController();
  readonly #numbers: NumberCheck;
  readonly #done: Promise<void>;
  #samples: number[] = [];

  constructor(options: FlowOptions) {
    const { reader, uid, kind } = options;
    this.#options = options;
    this.name = `${kind} of ${uid} at ${reader}`;
    this.who = [reader, uid];
    this.isExpected = options.isExpected;
    this.#numbers = new NumberCheck(uid === ANCHOR);
    this.#done = this.#read().catch((error: unknown) => {
      if (!this.#abort.signal.aborted)
        options.onProblem(`${this.name}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }

  get uid(): string {
    return this.#options.uid;
  }

  get kind(): FlowKind {
    return this.#options.kind;
  }

  get isSound(): boolean {
    return ['sound', 'mixed', 'aac'].includes(this.kind);
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  #read(): Promise<void> {
    switch (this.kind) {
      case 'local':
      case 'grpc':
        return this.#readPictures();
      case 'encoded':
        return this.#readUnits();
      case 'sound':
      case 'mixed':
        return this.#readSound();
      case 'aac':
        return this.#readAac();
    }
  }

  async #readPictures(): Promise<void> {
    const { engine, uid, kind } = this.#options;
    const pictures = engine.pictures({ uids: [uid], sharedMemory: kind === 'local', signal: this.#abort.signal });
    for await (const { data, width, height, release } of pictures) {
      this.#onPicture(readPictureNumber(data, width, height));
      release();
    }
  }

  async #readUnits(): Promise<void> {
    const { engine, uid } = this.#options;
    const decoder = new NumberDecoder();
    try {
      for await (const { data } of engine.encodedPictures({ uids: [uid], signal: this.#abort.signal }))
        this.#onPicture(decoder.decode(data));
    } finally {
      decoder.close();
    }
  }

  async #readSound(): Promise<void> {
    const { engine, uid, kind } = this.#options;
    const options = { sampleRateHz: SAMPLE_RATE_HZ, signal: this.#abort.signal };
    const frames = kind === 'sound' ? engine.audioFrames({ ...options, uids: [uid] }) : engine.mixedAudio(options);
    for await (const { data } of frames) {
      for (let at = 0; at + 1 < data.length; at += 2) this.#samples.push(data.readInt16LE(at));
      while (this.#samples.length >= BLOCK_SAMPLES) this.#onBlock(this.#samples.splice(0, BLOCK_SAMPLES));
    }
  }

  /** Silence comes as AAC too: what counts is that frames come. */
  async #readAac(): Promise<void> {
    const { engine, uid } = this.#options;
    for await (const { data } of engine.audioAac({ uids: [uid], signal: this.#abort.signal })) {
      this.#options.figures.sound += 1;
      // ADTS: twelve bits set.
      if (data[0] === 0xff && ((data[1] ?? 0) & 0xf0) === 0xf0) this.progress += 1;
      else this.#options.onProblem(`${this.name}: a frame without ADTS header`);
    }
  }

  #onBlock(samples: readonly number[]): void {
    const { uid, kind, figures } = this.#options;
    figures.sound += 1;
    const tone = uid === ANCHOR ? TONES.anchor : TONES.slot;
    // In the mix, others speak too.
    const isThere =
      kind === 'mixed' ? level(samples) > LEAST_LEVEL : toneShare(samples, SAMPLE_RATE_HZ, tone) > LEAST_TONE;
    if (isThere) this.progress += 1;
  }

  /** A picture without a number: it is muted, black. */
  #onPicture(number: number | undefined): void {
    const { figures } = this.#options;
    figures.pictures += 1;
    if (number === undefined) return;
    const verdict = this.#numbers.accept(number);
    if (verdict === 'back') this.#options.onProblem(`${this.name}: the numbers go back, to ${number}`);
    if (verdict !== 'new') return;
    figures.numbers += 1;
    this.progress += 1;
  }
}
