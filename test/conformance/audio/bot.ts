import { PublishMode, type AlirtcEvent, type Engine, type EventType } from '../../../client/index.js';
import type { ChannelScene } from '../../support/channel_scene.js';
import { Ear, peakOf, sender, tones, type PcmFrame } from './sound.js';

/** Hz, mono, of what a bot pushes. */
export const RATE = 16_000;

export function tone(frequency: number, seconds: number): Buffer {
  return tones({ sampleRate: RATE, frequencies: [frequency] }, 0, Math.round(seconds * RATE));
}

/** A bot that is published, and somebody who listens to it. */
export async function pair(
  scene: ChannelScene,
  config: Parameters<ChannelScene['join']>[2],
): Promise<{ engine: Engine; ear: Ear<PcmFrame> }> {
  const receiver = await sender(scene, 'receiver', { config: { publishMode: PublishMode.MANUALLY } });
  const ear = new Ear<PcmFrame>(receiver.audioFrames());
  const engine = await sender(scene, 'bot', config === undefined ? {} : { config });
  await engine.setExternalAudioSource(true, { sampleRateHz: RATE });
  await ear.more(30);
  return { engine, ear };
}

export async function remaining(engine: Engine): Promise<{ audioBufferMs: number; videoBufferFrames: number }> {
  return await engine.getRemainDataBufferSize();
}

/** The first frame with sound from there on. */
export function sounds(ear: Ear<PcmFrame>, from: number): Promise<number> {
  return ear.until((frame) => peakOf(frame.data) > 0.03, from);
}

/** The last frame with sound before `frames` silent ones. */
export async function silence(ear: Ear<PcmFrame>, from: number, frames = 15, timeoutMs = 10_000): Promise<number> {
  let quiet = 0;
  const end = await ear.until(
    (frame) => {
      quiet = peakOf(frame.data) > 0.03 ? 0 : quiet + 1;
      return quiet >= frames;
    },
    from,
    timeoutMs,
  );
  return end - frames;
}

export function framesOf(ear: Ear<PcmFrame>, from: number, to: number): PcmFrame[] {
  return ear.heard.slice(from, to + 1).map(({ frame }) => frame);
}

/** From the beginning of a frame to the beginning of another by their number, 10 ms each. */
export function spanMs(ear: Ear<PcmFrame>, from: number, to: number): number {
  return ((ear.heard[to]?.frame.sequence ?? 0) - (ear.heard[from]?.frame.sequence ?? 0)) * 10;
}

/** Events of some kinds and when they came. */
export class Edges {
  readonly list: AlirtcEvent[] = [];
  readonly times: number[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(engine: Engine, types: readonly EventType[]) {
    this.#running = (async () => {
      for await (const event of engine.events({ signal: this.#stop.signal })) {
        if (!types.includes(event.type)) continue;
        this.list.push(event);
        this.times.push(performance.now());
      }
    })();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
