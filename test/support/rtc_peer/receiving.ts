import { AudioStream, VideoBufferType, VideoStream, type RemoteTrack, type VideoFrame } from '@livekit/rtc-node';
import { readPictureNumber } from '../media/numbered_picture.js';
import { level, steadyToneShare } from '../media/tones.js';
import { KNOWN_TONES, type AudioReport, type VideoReport } from './protocol.js';

/** Reads one remote video track and counts what its pictures say. */
export class VideoMeter {
  #report: VideoReport;
  #reader;
  #last = -1;
  #sawNumber = false;

  constructor(
    readonly sid: string,
    track: RemoteTrack,
    private readonly onFirstPicture: (number: number, width: number, height: number) => void,
  ) {
    this.#report = VideoMeter.#empty(sid);
    this.#reader = new VideoStream(track).getReader();
    void this.#run();
  }

  static #empty(sid: string): VideoReport {
    return { sid, pictures: 0, width: 0, height: 0, readable: 0, firstNumber: -1, lastNumber: -1, outOfOrder: 0 };
  }

  async #run(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      this.#count(value.frame);
    }
  }

  #count(frame: VideoFrame): void {
    const i420 = frame.type === VideoBufferType.I420 ? frame : frame.convert(VideoBufferType.I420);
    const report = this.#report;
    report.pictures++;
    report.width = i420.width;
    report.height = i420.height;
    const number = readPictureNumber(i420.data, i420.width, i420.height);
    if (number === undefined) return;
    report.readable++;
    if (report.firstNumber < 0) report.firstNumber = number;
    if (number <= this.#last && this.#last - number < 32_768) report.outOfOrder++;
    report.lastNumber = number;
    this.#last = number;
    if (!this.#sawNumber) this.onFirstPicture(number, i420.width, i420.height);
    this.#sawNumber = true;
  }

  take(): VideoReport {
    const report = this.#report;
    this.#report = { ...VideoMeter.#empty(this.sid), width: report.width, height: report.height };
    return report;
  }

  async stop(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined);
  }
}

/** Reads one remote audio track at 48 kHz mono and keeps the last second. */
export class AudioMeter {
  readonly #lastSecond = new Int16Array(48_000);
  #write = 0;
  #samples = 0;
  #reader;

  constructor(
    readonly sid: string,
    track: RemoteTrack,
  ) {
    this.#reader = new AudioStream(track, 48_000, 1).getReader();
    void this.#run();
  }

  async #run(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      this.#samples += value.samplesPerChannel;
      for (const sample of value.data) {
        this.#lastSecond[this.#write] = sample;
        this.#write = (this.#write + 1) % this.#lastSecond.length;
      }
    }
  }

  take(): AudioReport {
    const ordered = new Int16Array(48_000);
    ordered.set(this.#lastSecond.subarray(this.#write));
    ordered.set(this.#lastSecond.subarray(0, this.#write), 48_000 - this.#write);
    const samples = this.#samples;
    this.#samples = 0;
    const tones = Object.fromEntries(KNOWN_TONES.map((f) => [String(f), steadyToneShare(ordered, 48_000, f)]));
    return { sid: this.sid, samples, level: level(ordered), tones };
  }

  async stop(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined);
  }
}
