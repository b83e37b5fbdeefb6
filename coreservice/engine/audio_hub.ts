import { Mixer } from '../codec/mixer.js';
import { AudioFrameType } from '../ipc/enums.js';
import type { AacEncoder } from '../codec/types.js';
import type { AudioShape } from '../ipc/extension.js';
import type { RemoteAudioTrack } from '../rtc/types.js';
import { AudioReceiver, FRAME_SAMPLES } from './audio_receiver.js';
import type { EngineClock } from './clock.js';
import type { CodecFactory } from './contracts.js';
import { shapeKey, type DemandState } from './demand.js';
import type { FrameCounters } from './frame_counters.js';
import { FrameShaper } from './frame_shaper.js';
import { MediaClock } from './media_clock.js';
import type { Outbox } from './outbox.js';
import type { Settings } from './settings.js';
import type { RemoteAudioTotals } from './statistics.js';

const FRAME_MS = 10;
const RATE = 48_000;
const AAC_SAMPLES = 1024;

export interface AudioHubParts {
  clock: EngineClock;
  outbox: Outbox;
  codecs: CodecFactory;
  demand: DemandState;
  settings: Settings;
  counters: FrameCounters;
}

/** What one user's or the mixed sound is turned into: a shaper for each shape that somebody wants, and perhaps AAC. */
class Outputs {
  readonly #shapers = new Map<string, FrameShaper>();
  #aac: AacEncoder | undefined;
  #aacShaper: FrameShaper | undefined;
  #channels: 1 | 2 = 1;

  constructor(private readonly codecs: CodecFactory) {}

  /** All frames have so many channels, at 48 kHz. */
  set(channels: 1 | 2, shapes: readonly AudioShape[], aac: { bitrateKbps: number } | undefined): void {
    if (channels !== this.#channels) this.close();
    this.#channels = channels;
    const wanted = new Set(shapes.map(shapeKey));
    for (const [key, shaper] of this.#shapers)
      if (!wanted.has(key)) {
        shaper.close();
        this.#shapers.delete(key);
      }
    for (const shape of shapes)
      if (!this.#shapers.has(shapeKey(shape))) this.#shapers.set(shapeKey(shape), this.#shaper(shape));
    if (aac === undefined) this.#closeAac();
    else if (this.#aac !== undefined) this.#aac.setBitrate(aac.bitrateKbps);
    else {
      this.#aac = this.codecs.aacEncoder({ sampleRate: RATE, channels: 1, bitrateKbps: aac.bitrateKbps });
      this.#aacShaper = this.#shaper({ sampleRate: RATE, channels: 1 });
    }
  }

  *pcm(frame: Int16Array): Generator<[AudioShape, Int16Array]> {
    for (const shaper of this.#shapers.values()) yield [shaper.shape, shaper.shapeFrame(frame)];
  }

  aac(frame: Int16Array): Buffer[] {
    return this.#aac?.encode(this.#aacShaper?.shapeFrame(frame) ?? frame) ?? [];
  }

  close(): void {
    for (const shaper of this.#shapers.values()) shaper.close();
    this.#shapers.clear();
    this.#closeAac();
  }

  #shaper(shape: AudioShape): FrameShaper {
    const same = shape.sampleRate === RATE && shape.channels === this.#channels;
    const from = { sampleRate: RATE, channels: this.#channels };
    return new FrameShaper(shape, same ? undefined : this.codecs.resampler(from, shape));
  }

  #closeAac(): void {
    this.#aac?.close();
    this.#aac = undefined;
    this.#aacShaper?.close();
    this.#aacShaper = undefined;
  }
}

interface Listener {
  receiver: AudioReceiver;
  outputs: Outputs;
}

/** All subscribed sound: per user and mixed, a frame every 10 ms, in the shapes that are wanted. Runs only while anything is. */
export class AudioHub {
  readonly #listeners = new Map<string, Listener>();
  readonly #clock: MediaClock;
  readonly #mixed: Outputs;
  #mixer = new Mixer(1);
  #channels: 1 | 2 = 1;
  #inChannel = false;

  constructor(private readonly parts: AudioHubParts) {
    this.#mixed = new Outputs(parts.codecs);
    this.#clock = new MediaClock(parts.clock, FRAME_MS, (_index, dueUs) => this.#tick(dueUs));
  }

  /** The mixed stream runs from the join on, silence included. */
  enter(): void {
    this.#inChannel = true;
    this.applyDemand();
  }

  leave(): void {
    this.#inChannel = false;
    for (const uid of [...this.#listeners.keys()]) this.remove(uid);
    this.applyDemand();
  }

  add(uid: string, track: RemoteAudioTrack, onMedia: () => void): void {
    this.remove(uid);
    const { codecs, clock } = this.parts;
    const receiver = new AudioReceiver(uid, track, codecs, clock, onMedia);
    this.#listeners.set(uid, { receiver, outputs: new Outputs(codecs) });
    this.applyDemand();
  }

  remove(uid: string): void {
    const listener = this.#listeners.get(uid);
    if (listener === undefined) return;
    this.#listeners.delete(uid);
    listener.receiver.close();
    listener.outputs.close();
    this.applyDemand();
  }

  totals(): RemoteAudioTotals[] {
    return [...this.#listeners.values()].map(({ receiver }) => receiver.totals());
  }

  applyDemand(): void {
    const { demand } = this.parts;
    const shapes = demand.mixedShapes();
    const mixed = this.#inChannel && (shapes.length > 0 || demand.wantsMixedAac());
    this.#setChannels(shapes);
    this.#mixed.set(this.#channels, shapes, demand.wantsMixedAac() ? this.#aacSettings : undefined);
    let any = mixed;
    for (const [uid, { receiver, outputs }] of this.#listeners) {
      const own = demand.audioShapes(uid);
      const aac = demand.wantsAac(uid);
      const listening = mixed || own.length > 0 || aac;
      receiver.listen(listening, this.#channels);
      outputs.set(this.#channels, own, aac ? this.#aacSettings : undefined);
      any ||= listening;
    }
    if (any) this.#clock.start();
    else this.#clock.stop();
  }

  close(): void {
    this.leave();
    this.#clock.stop();
    this.#mixed.close();
  }

  get #aacSettings(): { bitrateKbps: number } {
    return { bitrateKbps: this.parts.settings.observer.audioBitrateKbps };
  }

  /** Everything is decoded in stereo as soon as somebody wants stereo, so that one mix serves all. */
  #setChannels(mixedShapes: readonly AudioShape[]): void {
    const all = [...mixedShapes, ...[...this.#listeners.keys()].flatMap((uid) => this.parts.demand.audioShapes(uid))];
    const channels = all.some((shape) => shape.channels === 2) ? 2 : 1;
    if (channels === this.#channels) return;
    this.#channels = channels;
    this.#mixer = new Mixer(channels);
  }

  #tick(dueUs: number): void {
    const nowMs = this.parts.clock.nowMs();
    const frames: Int16Array[] = [];
    for (const { receiver, outputs } of this.#listeners.values()) {
      const received = receiver.pull(nowMs);
      if (received === undefined) continue;
      frames.push(received.samples);
      this.#deliverUser(receiver.uid, outputs, received.samples, received.captureTimeUs);
    }
    const { demand } = this.parts;
    if (this.#inChannel && (demand.mixedShapes().length > 0 || demand.wantsMixedAac())) this.#deliverMix(frames, dueUs);
  }

  #deliverUser(uid: string, outputs: Outputs, samples: Int16Array, captureTimeUs: number): void {
    const { outbox, counters } = this.parts;
    for (const [shape, pcm] of outputs.pcm(samples)) {
      const sequence = counters.next(`audio ${shapeKey(shape)}`, uid);
      const fields = { uid, ...pcmFields(shape, pcm), stream_index: 0, alirtcd: { sequence, captureTimeUs } };
      outbox.audio('REMOTE_AUDIO_FRAME', fields, bytesOf(pcm));
    }
    for (const frame of outputs.aac(samples)) {
      const sequence = counters.next('aac', uid);
      outbox.audio('REMOTE_AUDIO_AAC', { uid, ...AAC_FIELDS, alirtcd: { sequence, captureTimeUs } }, frame);
    }
  }

  #deliverMix(frames: readonly Int16Array[], captureTimeUs: number): void {
    const { outbox, counters } = this.parts;
    const mix = this.#mixer.mix(frames, FRAME_SAMPLES * this.#channels);
    for (const [shape, pcm] of this.#mixed.pcm(mix)) {
      const sequence = counters.next(`mixed ${shapeKey(shape)}`);
      outbox.audio(
        'MIXED_AUDIO_FRAME',
        { ...pcmFields(shape, pcm), alirtcd: { sequence, captureTimeUs } },
        bytesOf(pcm),
      );
    }
    for (const frame of this.#mixed.aac(mix)) {
      const sequence = counters.next('mixed aac');
      outbox.audio('MIXED_AUDIO_AAC', { ...AAC_FIELDS, alirtcd: { sequence, captureTimeUs } }, frame);
    }
  }
}

/** A frame of 1024 samples lasts 21.3 ms; rounded down. */
const AAC_FIELDS = {
  type: AudioFrameType.AacAdts,
  frame_ms: Math.floor((AAC_SAMPLES / RATE) * 1000),
  sample_rates: RATE,
  channels: 1,
};

interface PcmFields {
  type: number;
  frame_ms: number;
  sample_rates: number;
  samples: number;
  channels: number;
  sample_bits: number;
}

function pcmFields(shape: AudioShape, pcm: Int16Array): PcmFields {
  return {
    type: AudioFrameType.RawPcm,
    frame_ms: FRAME_MS,
    sample_rates: shape.sampleRate,
    samples: pcm.length / shape.channels,
    channels: shape.channels,
    sample_bits: 16,
  };
}

function bytesOf(samples: Int16Array): Buffer {
  return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
}
