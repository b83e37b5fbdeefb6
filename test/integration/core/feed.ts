import { setTimeout as delay } from 'node:timers/promises';
import { VideoDataFormat } from '../../../coreservice/ipc/enums.js';
import { NumberedPictures } from '../../support/media/numbered_picture.js';
import { ToneSource } from '../../support/media/tones.js';
import type { HostedCore } from './support.js';

export interface FeedOptions {
  width: number;
  height: number;
  rate: number;
  /** VideoSource; the camera by default. */
  source?: number;
  /** Hz, pushed as 16 kHz mono; left out: no sound. */
  frequency?: number;
}

/** Declares the sources, then pushes numbered pictures and a tone in real time until stopped. */
export class Feed implements AsyncDisposable {
  readonly #pictures: NumberedPictures;
  readonly #tone: ToneSource | undefined;
  readonly #done: Promise<unknown>;
  #stopped = false;

  constructor(
    private readonly host: HostedCore,
    private readonly options: FeedOptions,
  ) {
    const { width, height, rate, source = 0, frequency } = options;
    this.#pictures = new NumberedPictures(width, height, rate);
    host.send('SET_EXTERNAL_VIDEO_SOURCE', { enable: true, source, renderMode: 0 });
    const loops = [this.#loop(1000 / rate, (number) => this.#picture(number))];
    if (frequency !== undefined) {
      this.#tone = new ToneSource({ sampleRate: 16_000, channels: 1, frequency });
      host.send('SET_EXTERNAL_AUDIO_SOURCE', { enable: true, sampleRate: 16_000, channelsPerFrame: 1 });
      loops.push(this.#loop(20, () => this.#sound()));
    }
    this.#done = Promise.all(loops);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #picture(number: number): void {
    const { width, height, rate, source = 0 } = this.options;
    const strideU = Math.ceil(width / 2);
    this.host.send(
      'PUSH_VIDEO_FRAME',
      {
        source,
        format: VideoDataFormat.I420,
        bufferType: 0,
        strideY: width,
        strideU,
        strideV: strideU,
        height,
        width,
        rotation: 0,
        timestamp: Math.round((number * 1000) / rate),
      },
      this.#pictures.draw(number),
    );
  }

  #sound(): void {
    const samples = this.#tone?.next(320) ?? new Int16Array(320);
    this.host.send(
      'PUSH_AUDIO_FRAME',
      { timestamp: 0, isEndFrame: 0, frameID: '', sentenceID: 0, sequenceID: 0 },
      Buffer.from(samples.buffer),
    );
  }

  async #loop(periodMs: number, step: (index: number) => void): Promise<void> {
    const startMs = performance.now();
    for (let index = 0; !this.#stopped; index++) {
      await delay(Math.max(0, startMs + index * periodMs - performance.now()));
      if (!this.#stopped && this.host.connection.isOpen) step(index);
    }
  }
}
