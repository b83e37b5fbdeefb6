import { FormatContext, Rational } from 'node-av/lib';
import type { Stream } from 'node-av/lib';
import {
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  AV_CODEC_ID_AAC,
  AV_CODEC_ID_H264,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AV_PIX_FMT_YUV420P,
  AV_PKT_FLAG_KEY,
  AV_SAMPLE_FMT_FLTP,
} from 'node-av/constants';
import { AAC_FRAME_SAMPLES, AAC_PRIMING_SAMPLES, AAC_RATE_HZ, AacStream } from './aac_stream.js';
import { channelLayout, checkAv, newPacket } from './av.js';

export interface Mp4Tracks {
  video?: { width: number; height: number; parameterSets: Buffer } | undefined;
  audio?: { channels: 1 | 2 } | undefined;
}

/** Of the pictures' times: the unit that all common frame rates divide. */
const VIDEO_TICKS_PER_SECOND = 90_000;
const DEFAULT_PICTURE_TICKS = VIDEO_TICKS_PER_SECOND / 30;

interface HeldPicture {
  data: Buffer;
  ticks: number;
  keyFrame: boolean;
}

/**
 * An MP4 of H.264 access units (Annex B; the muxer turns start codes into lengths) and AAC packets, its index in front of the media. Times of pictures and
 * sound count from the same zero; both may begin anywhere.
 */
export class Mp4File {
  readonly #format = new FormatContext();
  readonly #packet = newPacket();
  #video: Stream | undefined;
  #audio: Stream | undefined;
  /** The last picture waits for the next one, whose time tells how long it is shown. */
  #held: HeldPicture | undefined;
  #lastTicks = DEFAULT_PICTURE_TICKS;
  #open = false;
  #freed = false;

  constructor(readonly path: string) {}

  async start(tracks: Mp4Tracks): Promise<void> {
    try {
      checkAv(this.#format.allocOutputContext2(null, 'mp4', this.path), 'MP4');
      if (tracks.video !== undefined) this.#video = this.#addVideo(tracks.video);
      if (tracks.audio !== undefined) this.#audio = this.#addAudio(tracks.audio);
      checkAv(await this.#format.openOutput(), `creating ${this.path}`);
      this.#open = true;
      for (const [name, value] of [
        ['movflags', '+faststart'],
        ['video_track_timescale', String(VIDEO_TICKS_PER_SECOND)],
      ] as const)
        checkAv(this.#format.setOption(name, value, AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN), `option ${name}`);
      checkAv(await this.#format.writeHeader(), 'writing the header');
    } catch (error) {
      await this.#free();
      throw error;
    }
  }

  /** One access unit at its time in microseconds, 0 or later. Times that do not grow are moved on by a tick. */
  video(data: Buffer, timeUs: number, keyFrame: boolean): void {
    let ticks = Math.round((timeUs * VIDEO_TICKS_PER_SECOND) / 1e6);
    const held = this.#held;
    if (held !== undefined) {
      ticks = Math.max(ticks, held.ticks + 1);
      this.#lastTicks = ticks - held.ticks;
      this.#writePicture(held, this.#lastTicks);
    }
    this.#held = { data, ticks, keyFrame };
  }

  /** One AAC packet at its first sample's position in samples at 48 kHz; may be negative by the run-in. */
  audio(data: Buffer, position: number): void {
    if (this.#audio === undefined) throw new Error('the file has no sound track');
    const packet = this.#packet;
    packet.data = data;
    packet.streamIndex = this.#audio.index;
    packet.timeBase = { num: 1, den: AAC_RATE_HZ };
    packet.pts = BigInt(position);
    packet.dts = BigInt(position);
    packet.duration = BigInt(AAC_FRAME_SAMPLES);
    packet.setFlags(AV_PKT_FLAG_KEY);
    packet.rescaleTs({ num: 1, den: AAC_RATE_HZ }, this.#audio.timeBase);
    checkAv(this.#format.interleavedWriteFrameSync(packet), 'writing sound');
  }

  /** Gives everything back without an index: the file is of no use. Nothing happens after end(). */
  abandon(): Promise<void> {
    return this.#free();
  }

  /** Writes what is left and the index. */
  async end(): Promise<void> {
    try {
      if (this.#held !== undefined) this.#writePicture(this.#held, this.#lastTicks);
      this.#held = undefined;
      checkAv(await this.#format.writeTrailer(), 'writing the index');
    } finally {
      await this.#free();
    }
  }

  #writePicture(picture: HeldPicture, durationTicks: number): void {
    if (this.#video === undefined) throw new Error('the file has no picture track');
    const packet = this.#packet;
    packet.data = picture.data;
    packet.streamIndex = this.#video.index;
    packet.pts = BigInt(picture.ticks);
    packet.dts = BigInt(picture.ticks);
    packet.duration = BigInt(durationTicks);
    packet.isKeyframe = picture.keyFrame;
    packet.rescaleTs({ num: 1, den: VIDEO_TICKS_PER_SECOND }, this.#video.timeBase);
    checkAv(this.#format.interleavedWriteFrameSync(packet), 'writing a picture');
  }

  #addVideo({ width, height, parameterSets }: NonNullable<Mp4Tracks['video']>): Stream {
    const stream = this.#format.newStream(null);
    const parameters = stream.codecpar;
    parameters.codecType = AVMEDIA_TYPE_VIDEO;
    parameters.codecId = AV_CODEC_ID_H264;
    parameters.format = AV_PIX_FMT_YUV420P;
    parameters.width = width;
    parameters.height = height;
    parameters.extradata = parameterSets;
    stream.timeBase = new Rational(1, VIDEO_TICKS_PER_SECOND);
    return stream;
  }

  #addAudio({ channels }: NonNullable<Mp4Tracks['audio']>): Stream {
    const stream = this.#format.newStream(null);
    const parameters = stream.codecpar;
    parameters.codecType = AVMEDIA_TYPE_AUDIO;
    parameters.codecId = AV_CODEC_ID_AAC;
    parameters.format = AV_SAMPLE_FMT_FLTP;
    parameters.sampleRate = AAC_RATE_HZ;
    parameters.channelLayout = channelLayout(channels);
    parameters.frameSize = AAC_FRAME_SAMPLES;
    parameters.initialPadding = AAC_PRIMING_SAMPLES;
    parameters.extradata = AacStream.config(channels);
    stream.timeBase = new Rational(1, AAC_RATE_HZ);
    return stream;
  }

  async #free(): Promise<void> {
    if (this.#freed) return;
    this.#freed = true;
    if (this.#open) await this.#format.closeOutput();
    this.#open = false;
    this.#packet.free();
    this.#format.freeContext();
  }
}
