import { VideoDataFormat, type Engine } from '../../client/index.js';
import { encodePictures, type EncodedUnit } from '../support/media/encode_pictures.js';
import { NumberedPictures } from '../support/media/numbered_picture.js';
import { ToneSource } from '../support/media/tones.js';
import { PICTURE, TONES, type ClientFigures } from './protocol.js';

const { width, height, framesPerSecond } = PICTURE;
/** Little to encode: eight engines share two processors with whatever else runs. */
const DETAIL = 0.3;
const SAMPLE_RATE_HZ = 16_000;
const CHUNK_MS = 40;
/** A whole number of key frame intervals, so that the sequence can be repeated. */
const UNITS = 100;
const KEY_FRAME_INTERVAL = 20;

const drawer = new NumberedPictures(width, height, framesPerSecond, DETAIL);
let units: readonly EncodedUnit[] | undefined;

/** The first pictures as H.264, made once. */
function encodedUnits(): readonly EncodedUnit[] {
  return (units ??= encodePictures('h264', drawer, UNITS, KEY_FRAME_INTERVAL));
}

export interface FeedOptions {
  engine: Engine;
  /** Pictures that the engine encodes, or access units that it sends on. */
  kind: 'raw' | 'h264';
  figures: ClientFigures;
  onProblem: (problem: string) => void;
}

/** Pushes numbered pictures and a tone in real time until it is closed. */
export class Feed {
  readonly kind: 'raw' | 'h264';
  readonly #abort = new AbortController();
  readonly #done: Promise<unknown>;
  #isStopping = false;

  private constructor(private readonly options: FeedOptions) {
    this.kind = options.kind;
    this.#done = Promise.all([this.#pushPictures(), this.#pushSound()].map((pushing) => this.#guarded(pushing)));
  }

  static async start(options: FeedOptions): Promise<Feed> {
    const { engine } = options;
    await engine.setExternalVideoSource(true);
    await engine.setExternalAudioSource(true, { sampleRateHz: SAMPLE_RATE_HZ, channels: 1 });
    await engine.setVideoEncoderConfiguration({
      dimensions: { width, height },
      frameRate: framesPerSecond,
      bitrateKbps: 150,
    });
    return new Feed(options);
  }

  /** `inOrder`: both streams are ended and what was pushed goes out; otherwise they are cancelled. */
  async close(inOrder: boolean): Promise<void> {
    this.#isStopping = true;
    if (!inOrder) this.#abort.abort();
    await this.#done;
  }

  async #guarded(pushing: Promise<void>): Promise<void> {
    try {
      await pushing;
    } catch (error) {
      if (!this.#abort.signal.aborted)
        this.options.onProblem(`pushing: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #pushPictures(): Promise<void> {
    const { engine, kind, figures } = this.options;
    const push = engine.videoPush({ signal: this.#abort.signal });
    await this.#byTheClock(1000 / framesPerSecond, async (index) => {
      const unit = kind === 'h264' ? encodedUnits()[index % UNITS] : undefined;
      const format = unit === undefined ? VideoDataFormat.I420 : VideoDataFormat.H264;
      await push.push({ format, width, height, data: unit?.data ?? drawer.draw(index) });
      figures.pushed += 1;
    });
    await push.end();
  }

  async #pushSound(): Promise<void> {
    const tone = new ToneSource({ sampleRate: SAMPLE_RATE_HZ, channels: 1, frequency: TONES.slot });
    const push = this.options.engine.audioPush({
      sampleRateHz: SAMPLE_RATE_HZ,
      channels: 1,
      signal: this.#abort.signal,
    });
    await this.#byTheClock(CHUNK_MS, async () => {
      const samples = tone.next((SAMPLE_RATE_HZ * CHUNK_MS) / 1000);
      await push.push({ data: Buffer.from(samples.buffer) });
    });
    await push.end();
  }

  /** Calls `step` for every period that has passed. What was missed while this process, or the engine, stood still is left out. */
  async #byTheClock(periodMs: number, step: (index: number) => Promise<void>): Promise<void> {
    let nextMs = performance.now();
    for (let index = 0; !this.#isStopping; index++) {
      const waitMs = nextMs - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      nextMs = Math.max(nextMs + periodMs, performance.now() - 5 * periodMs);
      await step(index);
    }
  }
}
