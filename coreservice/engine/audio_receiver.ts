import { AudioJitterBuffer } from '../../rtp/audio_jitter_buffer.js';
import { opusPacketSamples } from '../../rtp/opus.js';
import type { OpusDecoder } from '../codec/types.js';
import type { AudioPacket, RemoteAudioTrack } from '../rtc/types.js';
import type { EngineClock } from './clock.js';
import type { CodecFactory } from './contracts.js';
import { SampleQueue } from './sample_queue.js';
import type { RemoteAudioTotals } from './statistics.js';
import { stretch } from './time_stretch.js';

const RATE = 48_000;
export const FRAME_SAMPLES = RATE / 100;

/** One user's 10 ms at 48 kHz. */
export interface ReceivedAudio {
  samples: Int16Array;
  captureTimeUs: number;
}

/** Packets of one remote track, in order and without gaps, as 10 ms frames by the mix clock. */
export class AudioReceiver {
  readonly #ready = new SampleQueue();
  readonly #onPacket = (packet: AudioPacket): void => this.#handle(packet);
  #buffer: AudioJitterBuffer<AudioPacket> | undefined;
  #decoder: OpusDecoder | undefined;
  #channels: 1 | 2 = 1;
  #captureTimeUs = 0;
  #delayMs = 0;
  #begun = false;
  #playing = false;
  #frozen = { times: 0, samples: 0, now: false };

  constructor(
    readonly uid: string,
    private readonly track: RemoteAudioTrack,
    private readonly codecs: CodecFactory,
    private readonly clock: EngineClock,
    private readonly onMedia: () => void,
  ) {
    track.on('packet', this.#onPacket);
  }

  /** Starts and stops buffering and decoding. Nothing of the past is played when somebody begins to listen. */
  listen(on: boolean, channels: 1 | 2): void {
    if (!on) {
      this.#stop();
      return;
    }
    if (this.#buffer !== undefined && channels === this.#channels) return;
    this.#stop();
    this.#channels = channels;
    this.#buffer = new AudioJitterBuffer();
  }

  get channels(): 1 | 2 {
    return this.#channels;
  }

  /** Every 10 ms. Undefined until the first sound has come. */
  pull(nowMs: number): ReceivedAudio | undefined {
    const length = FRAME_SAMPLES * this.#channels;
    while (this.#ready.length < length && this.#fill(nowMs));
    if (!this.#playing) return undefined;
    const samples = new Int16Array(length);
    const captureTimeUs = this.#captureTimeUs - this.#readyUs();
    this.#ready.take(samples);
    this.#delayMs = Math.max(0, (this.clock.unixUs() - captureTimeUs) / 1000);
    return { samples, captureTimeUs };
  }

  totals(): RemoteAudioTotals {
    return {
      uid: this.uid,
      track: this.track.stats(),
      jitterBufferDelayMs: this.#buffer?.stats().delayMs ?? 0,
      heard: this.#playing,
      delayMs: this.#delayMs,
      frozenTimes: this.#frozen.times,
      frozenMs: (this.#frozen.samples / RATE) * 1000,
    };
  }

  close(): void {
    this.track.off('packet', this.#onPacket);
    this.#stop();
  }

  #handle(packet: AudioPacket): void {
    this.#buffer?.push(packet, this.clock.nowMs());
    if (this.#begun) return;
    this.#begun = true;
    this.onMedia();
  }

  #fill(nowMs: number): boolean {
    const pulled = this.#buffer?.pull(nowMs);
    if (pulled === undefined || pulled.kind === 'wait') return false;
    this.#decoder ??= this.codecs.opusDecoder(this.#channels);
    if (pulled.kind === 'gap') {
      if (pulled.cause !== 'silence') this.#countGap(pulled.samples);
      this.#append(this.#decoder.conceal(pulled.samples), this.#captureTimeUs);
      return true;
    }
    const { payload, captureTimeUs } = pulled.packet;
    this.#playing = true;
    this.#frozen.now = false;
    const decoded = this.#decode(this.#decoder, payload);
    const samples = pulled.stretchSamples === 0 ? decoded : stretch(decoded, this.#channels, pulled.stretchSamples);
    this.#append(samples, captureTimeUs, decoded.length / this.#channels);
    return true;
  }

  /** A packet that is not Opus costs its own time and not the stream. */
  #decode(decoder: OpusDecoder, payload: Buffer): Int16Array {
    try {
      return decoder.decode(payload);
    } catch {
      return decoder.conceal(opusPacketSamples(payload) || 2 * FRAME_SAMPLES);
    }
  }

  /** lastedSamples: how long it was at the sender, per channel; another length than now when it was stretched. */
  #append(samples: Int16Array, startUs: number, lastedSamples = samples.length / this.#channels): void {
    this.#ready.push(samples);
    // The capture time of the end of what is ready.
    this.#captureTimeUs = startUs + durationUs(lastedSamples);
  }

  #countGap(samples: number): void {
    if (!this.#frozen.now) this.#frozen.times++;
    this.#frozen.now = true;
    this.#frozen.samples += samples;
  }

  #readyUs(): number {
    return durationUs(this.#ready.length / this.#channels);
  }

  #stop(): void {
    this.#buffer = undefined;
    this.#decoder?.close();
    this.#decoder = undefined;
    this.#ready.clear();
    this.#playing = false;
  }
}

function durationUs(samplesPerChannel: number): number {
  return Math.round((samplesPerChannel * 1_000_000) / RATE);
}
