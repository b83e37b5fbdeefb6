import { LibopusEncoder } from '../../../coreservice/codec/opus_encoder.js';
import type { LocalAudioTrack, LocalVideoTrack } from '../../../coreservice/rtc/types.js';
import { encodePictures, type EncodedUnit } from '../../support/media/encode_pictures.js';
import { NumberedPictures } from '../../support/media/numbered_picture.js';
import { ToneSource } from '../../support/media/tones.js';

const UNITS = 60;
const KEY_INTERVAL = 30;

/** Two seconds of pictures, encoded once and then repeated: number n, n + 60 and so on show the number n. */
export class EncodedPictures {
  readonly units: EncodedUnit[];

  constructor(
    readonly width: number,
    readonly height: number,
    readonly framesPerSecond: number,
  ) {
    this.units = encodePictures('h264', new NumberedPictures(width, height, framesPerSecond), UNITS, KEY_INTERVAL);
  }
}

/** Sends repeated pictures, and a tone, in real time until it is stopped. A request for a key frame jumps to the next one. */
export class EncodedSource implements Disposable {
  readonly #timers: NodeJS.Timeout[] = [];
  pictures = 0;
  keyFrameRequests = 0;

  playPictures(track: LocalVideoTrack, layers: { quality: 'high' | 'low'; pictures: EncodedPictures }[]): void {
    for (const { quality, pictures } of layers) {
      let next = 0;
      track.on('key_frame_requested', (wanted) => {
        if (wanted !== quality) return;
        this.keyFrameRequests += 1;
        next = Math.ceil(next / KEY_INTERVAL) * KEY_INTERVAL;
      });
      this.#every(1000 / pictures.framesPerSecond, () => {
        const unit = pictures.units[next % UNITS];
        next += 1;
        if (unit === undefined) return;
        this.pictures += 1;
        track.send(unit.data, { captureTimeUs: Date.now() * 1000, keyFrame: unit.keyFrame, quality });
      });
    }
  }

  playTone(track: LocalAudioTrack, frequency: number): void {
    const tone = new ToneSource({ sampleRate: 48_000, channels: 1, frequency });
    const encoder = new LibopusEncoder({ channels: 1, bitrateKbps: 32 });
    const startUs = Date.now() * 1000;
    let sent = 0;
    this.#every(20, () => {
      track.send(encoder.encode(tone.next(960)), { captureTimeUs: startUs + sent * 20_000 });
      sent += 1;
    });
  }

  /** By the clock, not by the timer: late calls are made up for. */
  #every(intervalMs: number, act: () => void): void {
    const start = performance.now();
    let done = 0;
    const timer = setInterval(
      () => {
        const due = Math.min(done + 5, Math.floor((performance.now() - start) / intervalMs));
        while (done < due) {
          done += 1;
          act();
        }
        if (performance.now() - start - done * intervalMs > 5 * intervalMs)
          done = Math.floor((performance.now() - start) / intervalMs);
      },
      Math.min(10, intervalMs),
    );
    this.#timers.push(timer);
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
