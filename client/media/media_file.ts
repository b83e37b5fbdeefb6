import { Codec, FormatContext, SoftwareResampleContext, SoftwareScaleContext } from 'node-av/lib';
import type { CodecContext, Frame, Stream } from 'node-av/lib';
import {
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  AV_SAMPLE_FMT_S16,
  SWS_BILINEAR,
} from 'node-av/constants';
import { AGAIN, END_OF_FILE, channelLayout, checkAv, newFrame, newPacket, openCodec } from './av.js';

export interface FilePicture {
  kind: 'picture';
  timeUs: number;
  width: number;
  height: number;
  /** I420 without padding. */
  data: Buffer;
}

export interface FileSound {
  kind: 'sound';
  timeUs: number;
  /** Signed 16-bit, interleaved, of the rate and channels asked for. */
  samples: Int16Array;
}

export interface MediaFileOptions {
  sampleRateHz: number;
  channels: 1 | 2;
  /** Larger pictures are made smaller, keeping their shape. */
  maxWidth: number;
  maxHeight: number;
}

interface Track {
  stream: Stream;
  context: CodecContext;
}

/** The pictures and the sound of a media file in the order of the file, times counted from its beginning. Whatever FFmpeg can read. */
export class MediaFile {
  readonly #format = new FormatContext();
  readonly #packet = newPacket();
  readonly #frame = newFrame();
  #video: Track | undefined;
  #audio: Track | undefined;
  #scaler: { key: string; context: SoftwareScaleContext } | undefined;
  #resampler: SoftwareResampleContext | undefined;
  #startUs = 0;

  private constructor(
    readonly path: string,
    readonly options: MediaFileOptions,
  ) {}

  /** Rejects when the file cannot be read, or has neither pictures nor sound. */
  static async open(path: string, options: MediaFileOptions): Promise<MediaFile> {
    const file = new MediaFile(path, options);
    try {
      await file.#open();
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get hasPictures(): boolean {
    return this.#video !== undefined;
  }

  get hasSound(): boolean {
    return this.#audio !== undefined;
  }

  /** The size of the pictures as they are given out, and their rate, as far as the file says it. */
  get pictureFormat(): { width: number; height: number; framesPerSecond: number } | undefined {
    if (this.#video === undefined) return undefined;
    const { width, height } = this.#video.stream.codecpar;
    const { num, den } = this.#video.stream.avgFrameRate;
    return { ...this.#fit(width, height), framesPerSecond: den === 0 ? 0 : num / den };
  }

  async *frames(): AsyncGenerator<FilePicture | FileSound, void> {
    for (let atEnd = false; !atEnd;) {
      const code = await this.#format.readFrame(this.#packet);
      atEnd = code === END_OF_FILE;
      if (!atEnd) checkAv(code, `reading ${this.path}`);
      for (const track of [this.#video, this.#audio]) {
        if (track === undefined || (!atEnd && track.stream.index !== this.#packet.streamIndex)) continue;
        const sent = await track.context.sendPacket(atEnd ? null : this.#packet);
        // A damaged packet costs its frame, not the file.
        if (sent < 0 && !atEnd) continue;
        yield* this.#take(track);
      }
      if (!atEnd) this.#packet.unref();
    }
  }

  async close(): Promise<void> {
    this.#video?.context.freeContext();
    this.#audio?.context.freeContext();
    this.#scaler?.context.freeContext();
    this.#resampler?.free();
    this.#packet.free();
    this.#frame.free();
    await this.#format.closeInput();
  }

  async #open(): Promise<void> {
    checkAv(await this.#format.openInput(this.path), `opening ${this.path}`);
    checkAv(await this.#format.findStreamInfo(), `reading ${this.path}`);
    this.#video = this.#openTrack(AVMEDIA_TYPE_VIDEO);
    this.#audio = this.#openTrack(AVMEDIA_TYPE_AUDIO);
    if (this.#video === undefined && this.#audio === undefined)
      throw new Error(`${this.path} has neither pictures nor sound that this FFmpeg can decode`);
    // AV_NOPTS_VALUE is far below every time.
    const start = Number(this.#format.startTime);
    this.#startUs = Math.abs(start) > 1e15 ? 0 : start;
  }

  #openTrack(type: typeof AVMEDIA_TYPE_VIDEO): Track | undefined {
    const stream = this.#format.streams[this.#format.findBestStream(type)];
    if (stream === undefined) return undefined;
    const codec = Codec.findDecoder(stream.codecpar.codecId);
    if (codec === null) return undefined;
    const context = openCodec(codec, codec.name ?? 'decoder', (opening) => {
      checkAv(opening.parametersToContext(stream.codecpar), 'codec parameters');
      opening.pktTimebase = stream.timeBase;
      opening.threadCount = 1;
    });
    return { stream, context };
  }

  async *#take(track: Track): AsyncGenerator<FilePicture | FileSound, void> {
    for (;;) {
      const code = await track.context.receiveFrame(this.#frame);
      if (code === AGAIN || code === END_OF_FILE) return;
      if (code < 0) continue;
      const { num, den } = track.stream.timeBase;
      const timeUs = Math.round((Number(this.#frame.bestEffortTimestamp) * num * 1e6) / den) - this.#startUs;
      const content = track === this.#video ? this.#picture(this.#frame, timeUs) : this.#sound(this.#frame, timeUs);
      this.#frame.unref();
      yield content;
    }
  }

  #picture(frame: Frame, timeUs: number): FilePicture {
    const { width, height } = this.#fit(frame.width, frame.height);
    const planar = frame.format === AV_PIX_FMT_YUV420P || frame.format === AV_PIX_FMT_YUVJ420P;
    if (planar && width === frame.width && height === frame.height)
      return { kind: 'picture', timeUs, width, height, data: frame.toBuffer() };
    const key = `${frame.width}x${frame.height}:${frame.format}`;
    if (this.#scaler?.key !== key) {
      this.#scaler?.context.freeContext();
      const context = new SoftwareScaleContext();
      const from = [frame.width, frame.height, frame.format as typeof AV_PIX_FMT_YUV420P] as const;
      context.getContext(...from, width, height, AV_PIX_FMT_YUV420P, SWS_BILINEAR);
      this.#scaler = { key, context };
    }
    using scaled = newFrame();
    scaled.format = AV_PIX_FMT_YUV420P;
    scaled.width = width;
    scaled.height = height;
    checkAv(scaled.getBuffer(), 'memory for a picture');
    checkAv(this.#scaler.context.scaleFrameSync(scaled, frame), 'scaling a picture');
    return { kind: 'picture', timeUs, width, height, data: scaled.toBuffer() };
  }

  #sound(frame: Frame, timeUs: number): FileSound {
    const { sampleRateHz, channels } = this.options;
    this.#resampler ??= openResampler(frame, sampleRateHz, channels);
    const most = this.#resampler.getOutSamples(frame.nbSamples) + 32;
    const samples = new Int16Array(most * channels);
    const out = Buffer.from(samples.buffer);
    const got = checkAv(this.#resampler.convertSync([out], most, frame.extendedData, frame.nbSamples), 'resampling');
    return { kind: 'sound', timeUs, samples: samples.subarray(0, got * channels) };
  }

  /** Even sizes inside the limits. */
  #fit(width: number, height: number): { width: number; height: number } {
    const factor = Math.min(1, this.options.maxWidth / width, this.options.maxHeight / height);
    const even = (value: number): number => Math.max(2, Math.round((value * factor) / 2) * 2);
    return factor === 1 && width % 2 === 0 && height % 2 === 0
      ? { width, height }
      : { width: even(width), height: even(height) };
  }
}

function openResampler(frame: Frame, sampleRateHz: number, channels: 1 | 2): SoftwareResampleContext {
  const context = new SoftwareResampleContext();
  const from = [frame.channelLayout, frame.format as typeof AV_SAMPLE_FMT_S16, frame.sampleRate] as const;
  checkAv(context.allocSetOpts2(channelLayout(channels), AV_SAMPLE_FMT_S16, sampleRateHz, ...from), 'resampler');
  checkAv(context.init(), 'opening the resampler');
  return context;
}
