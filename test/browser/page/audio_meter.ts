import { toneShare } from '../../support/media/tones.js';
import { PAGE_TONES, type PageAudio } from './protocol.js';

let shared: AudioContext | undefined;

/** Listens to one remote track with an analyser. */
export class AudioMeter {
  readonly #source: MediaStreamAudioSourceNode;
  readonly #analyser: AnalyserNode;
  readonly #samples: Float32Array<ArrayBuffer>;

  constructor(
    readonly sid: string,
    track: MediaStreamTrack,
  ) {
    shared ??= new AudioContext({ sampleRate: 48_000 });
    this.#source = shared.createMediaStreamSource(new MediaStream([track]));
    this.#analyser = new AnalyserNode(shared, { fftSize: 8192 });
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#source.connect(this.#analyser);
  }

  take(): PageAudio {
    if (shared?.state !== 'running') throw new Error(`the audio context is ${shared?.state}`);
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const level = Math.sqrt(this.#samples.reduce((sum, x) => sum + x * x, 0) / this.#samples.length);
    const tones = Object.fromEntries(PAGE_TONES.map((f) => [String(f), toneShare(this.#samples, 48_000, f)]));
    return { sid: this.sid, level, tones };
  }

  stop(): void {
    this.#source.disconnect();
  }
}
