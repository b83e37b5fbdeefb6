import { setTimeout as delay } from 'node:timers/promises';
import type { AudioQualityMode } from '../../../client/index.js';
import { type Engine, type JoinChannelConfig } from '../../../client/index.js';
import type { ChannelScene } from '../../support/channel_scene.js';
import { within } from '../../support/scripted_core/scripted_cores.js';
import { channelOf, steadyToneShare } from '../../support/media/tones.js';

export const PUSH_RATES = [8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000] as const;
export const DELIVERED_RATES = [8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000] as const;

/** A tone a channel, interleaved; `from` and `count` are samples per channel. */
export function tones(
  options: { sampleRate: number; frequencies: readonly number[]; amplitude?: number },
  from: number,
  count: number,
): Buffer {
  const { sampleRate, frequencies, amplitude = 0.3 } = options;
  const samples = new Int16Array(count * frequencies.length);
  for (let i = 0; i < count; i++)
    frequencies.forEach((frequency, channel) => {
      const value = Math.sin((2 * Math.PI * frequency * (from + i)) / sampleRate) * amplitude;
      samples[i * frequencies.length + channel] = Math.round(value * 32_767);
    });
  return Buffer.from(samples.buffer);
}

export interface ToneFeedOptions {
  sampleRate?: number;
  /** Hz, one a channel. */
  frequencies: readonly number[];
  amplitude?: number;
  /** Instead of the tones. */
  noise?: boolean;
}

/** Declares the source and pushes 20 ms every 20 ms until stop(). */
export class ToneFeed implements AsyncDisposable {
  #stopped = false;
  readonly #running: Promise<unknown>;

  private constructor(engine: Engine, options: ToneFeedOptions) {
    this.#running = this.#run(engine, options);
    this.#running.catch(() => undefined);
  }

  static async start(engine: Engine, options: ToneFeedOptions): Promise<ToneFeed> {
    await engine.setExternalAudioSource(true, {
      sampleRateHz: options.sampleRate ?? 48_000,
      channels: options.frequencies.length,
    });
    return new ToneFeed(engine, options);
  }

  async #run(engine: Engine, { sampleRate = 48_000, frequencies, amplitude = 0.3, noise }: ToneFeedOptions) {
    const push = engine.audioPush();
    const count = sampleRate / 50;
    const startedAt = performance.now();
    for (let index = 0; !this.#stopped; index++) {
      await delay(Math.max(0, startedAt + index * 20 - performance.now()));
      const data = tones({ sampleRate, frequencies, amplitude }, index * count, count);
      if (noise === true) whiten(data, amplitude);
      await push.push({ data });
    }
    await push.end();
  }

  /** Rejects with what went wrong while pushing. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function whiten(data: Buffer, amplitude: number): void {
  for (let i = 0; i + 1 < data.length; i += 2)
    data.writeInt16LE(Math.round((Math.random() * 2 - 1) * amplitude * 32_767), i);
}

export interface PcmFrame {
  sampleRateHz: number;
  channels: number;
  samples: number;
  captureTimeUs: number;
  sequence: number;
  droppedBefore: number;
  data: Buffer;
}

export interface Heard<F> {
  frame: F;
  /** performance.now() when it came. */
  atMs: number;
}

/** Keeps every frame of a stream, with the time at which it came, until stop(). */
export class Ear<F extends object> implements AsyncDisposable {
  readonly heard: Heard<F>[] = [];
  readonly #stream: AsyncIterable<F> & { cancel: () => void };
  readonly #running: Promise<void>;
  #wake: () => void = () => undefined;

  constructor(stream: AsyncIterable<F> & { cancel: () => void }) {
    this.#stream = stream;
    this.#running = this.#run();
    this.#running.catch(() => undefined);
  }

  async #run(): Promise<void> {
    for await (const frame of this.#stream) {
      this.heard.push({ frame, atMs: performance.now() });
      this.#wake();
    }
  }

  /** The first frame from `from` on that fits, heard or still to come; its index. */
  async until(fits: (frame: F, index: number) => boolean, from = 0, timeoutMs = 10_000): Promise<number> {
    let next = from;
    const find = async (): Promise<number> => {
      for (;;) {
        for (; next < this.heard.length; next++) {
          const one = this.heard[next];
          if (one !== undefined && fits(one.frame, next)) return next;
        }
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    };
    return within(`a frame that fits (${this.heard.length} came)`, find(), timeoutMs);
  }

  /** So many frames more than now. */
  async more(count: number, timeoutMs = 10_000): Promise<F[]> {
    const from = this.heard.length;
    await this.until((_frame, index) => index >= from + count - 1, from, timeoutMs);
    return this.heard.slice(from, from + count).map(({ frame }) => frame);
  }

  async stop(): Promise<void> {
    this.#stream.cancel();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export function samplesOf(data: Buffer): Int16Array {
  return new Int16Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer);
}

export function joined(frames: readonly { data: Buffer }[]): Int16Array {
  return samplesOf(Buffer.concat(frames.map(({ data }) => data)));
}

/** Share of one tone in one channel of the frames. */
export function shareOf(frames: readonly PcmFrame[], frequency: number, channel = 0): number {
  const first = frames[0];
  if (first === undefined) return 0;
  return steadyToneShare(channelOf(joined(frames), first.channels, channel), first.sampleRateHz, frequency);
}

export function peakOf(data: Buffer): number {
  let peak = 0;
  for (let i = 0; i + 1 < data.length; i += 2) peak = Math.max(peak, Math.abs(data.readInt16LE(i)));
  return peak / 32_768;
}

/** Waits until half a second of nothing but the tone was heard, then gives the next `count` frames. */
export async function steady(ear: Ear<PcmFrame>, frequency: number, count = 50): Promise<PcmFrame[]> {
  const from = ear.heard.length;
  await ear.until((_frame, index) => {
    if (index < from + 10 || index % 5 !== 0) return false;
    return (
      shareOf(
        ear.heard.slice(index - 9, index + 1).map((one) => one.frame),
        frequency,
      ) > 0.8
    );
  }, from);
  return ear.more(count);
}

/** An engine in the scene's channel that publishes what is pushed, with that audio profile. */
export async function sender(
  scene: ChannelScene,
  userId: string,
  options: { profile?: AudioQualityMode; config?: Partial<JoinChannelConfig> } = {},
): Promise<Engine> {
  const engine = await scene.engine();
  if (options.profile !== undefined) await engine.setAudioProfile(options.profile);
  await engine.publishLocalVideoStream(false, { wait: false });
  await scene.join(engine, userId, options.config);
  return engine;
}
