import { rename, rm } from 'node:fs/promises';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { VideoCodec } from '../../gen/alirtc/v1/media.js';
import type { AudioFrame, EncodedPicture } from '../frames.js';
import { AAC_RATE_HZ, AacStream } from './aac_stream.js';
import type { AacPacket } from './aac_stream.js';
import { parameterSets } from './annexb.js';
import { AudioTimeline } from './audio_timeline.js';
import { CaptureClock } from './capture_clock.js';
import { Mp4File } from './mp4_file.js';
import { SpoolWriter, readSpool } from './spool.js';
import { Vp8Transcoder } from './vp8_transcoder.js';

export interface VideoReport {
  /** What the user sent. */
  codec: 'h264' | 'vp8';
  /** True: VP8 was encoded again as H.264. */
  transcoded: boolean;
  /** Of the first picture. */
  width: number;
  height: number;
  frames: number;
  keyFrames: number;
  /** Pictures of the user that did not arrive, by their numbers. */
  dropped: number;
  seconds: number;
  /** Of the file's pictures. */
  bitrateKbps: number;
}

export interface AudioReport {
  codec: 'aac';
  sampleRateHz: number;
  channels: number;
  seconds: number;
  /** Chunks that did not arrive. */
  dropped: number;
  /** Put in where the capture clock jumped ahead. */
  silenceMs: number;
}

export interface UserReport {
  uid: string;
  /** True: of the user's shared screen, a file of its own without sound. */
  screen: boolean;
  /** The MP4; undefined when nothing of the user was received. */
  file: string | undefined;
  seconds: number;
  video: VideoReport | undefined;
  audio: AudioReport | undefined;
  /** Why the recording of this user ended before the others. */
  error: string | undefined;
}

/** Silence is encoded in pieces, so that a long one does not hold up everything else. */
const SILENCE_PIECE_SAMPLES = AAC_RATE_HZ;

/** Pictures and sound of one user, spooled as they come and written as one MP4 at the end. The calls of each kind must be awaited one after the other. */
export class UserRecording {
  readonly #clock = new CaptureClock();
  readonly #timeline = new AudioTimeline(AAC_RATE_HZ);
  readonly #spool: SpoolWriter;
  #aac: AacStream | undefined;
  #transcoder: Vp8Transcoder | undefined;
  #parameterSets: Buffer | undefined;
  #video: VideoReport | undefined;
  #videoBytes = 0;
  #firstVideoUs = 0;
  #lastVideoUs = 0;
  #lastFrameNum = 0;
  #audioDropped = 0;

  /** `file` is the MP4's path; beside it a file of the same name and ".part" holds what comes until finish(). */
  constructor(
    readonly uid: string,
    readonly file: string,
    readonly channels: 1 | 2,
    readonly screen = false,
  ) {
    this.#spool = new SpoolWriter(`${file}.part`);
  }

  get pictures(): number {
    return this.#video?.frames ?? 0;
  }

  get soundSeconds(): number {
    return this.#timeline.samples / AAC_RATE_HZ;
  }

  async picture(frame: EncodedPicture, arrivalUs: number): Promise<void> {
    const isVp8 = frame.codec === VideoCodec.VP8;
    const unit = isVp8 ? await this.#transcode(frame) : frame;
    if (unit === undefined) return;
    if (this.#parameterSets === undefined) {
      if (!unit.keyFrame) return;
      this.#parameterSets = parameterSets(unit.data);
      if (this.#parameterSets === undefined) return;
    }
    const timeUs = this.#clock.map('video', frame.captureTimeUs, arrivalUs);
    const video = (this.#video ??= this.#firstVideo(unit, timeUs, isVp8 ? 'vp8' : 'h264'));
    video.frames += 1;
    if (unit.keyFrame) video.keyFrames += 1;
    if (isVp8) video.transcoded = true;
    if (this.#lastFrameNum > 0 && frame.frameNum > this.#lastFrameNum + 1)
      video.dropped += frame.frameNum - this.#lastFrameNum - 1;
    this.#lastFrameNum = frame.frameNum;
    this.#lastVideoUs = Math.max(this.#lastVideoUs, timeUs);
    this.#videoBytes += unit.data.length;
    await this.#spool.write({ kind: 'video', keyFrame: unit.keyFrame, time: timeUs, data: unit.data });
  }

  async sound(frame: AudioFrame, arrivalUs: number): Promise<void> {
    this.#aac ??= new AacStream(this.channels);
    this.#audioDropped += frame.droppedBefore;
    const samples = samplesOf(frame.data);
    const timeUs = this.#clock.map('audio', frame.captureTimeUs, arrivalUs);
    const { silence, skip } = this.#timeline.place(timeUs, samples.length / this.channels);
    for (let left = silence; left > 0; left -= SILENCE_PIECE_SAMPLES) {
      const piece = new Int16Array(Math.min(left, SILENCE_PIECE_SAMPLES) * this.channels);
      await this.#writeSound(this.#aac.encode(piece));
      if (left > SILENCE_PIECE_SAMPLES) await yieldToOthers();
    }
    await this.#writeSound(this.#aac.encode(samples.subarray(skip * this.channels)));
  }

  /** Writes the MP4 and tells what is in it. */
  async finish(error?: string): Promise<UserReport> {
    this.#transcoder?.close();
    if (this.#aac !== undefined) await this.#writeSound(this.#aac.end());
    await this.#spool.end();
    const empty = this.#video === undefined && this.#timeline.samples === 0;
    if (!empty) await this.#writeFile();
    await rm(this.#spool.path);
    return { uid: this.uid, screen: this.screen, file: empty ? undefined : this.file, ...this.#report(), error };
  }

  async #transcode(frame: EncodedPicture): Promise<ReturnType<Vp8Transcoder['transcode']>> {
    this.#transcoder ??= new Vp8Transcoder();
    return this.#transcoder.transcode(frame.data, frame.keyFrame);
  }

  async #writeSound(packets: AacPacket[]): Promise<void> {
    for (const { data, position } of packets)
      await this.#spool.write({ kind: 'audio', keyFrame: true, time: position, data });
  }

  #firstVideo(unit: { width: number; height: number }, timeUs: number, codec: 'h264' | 'vp8'): VideoReport {
    this.#firstVideoUs = timeUs;
    this.#lastVideoUs = timeUs;
    const { width, height } = unit;
    const counts = { frames: 0, keyFrames: 0, dropped: 0, seconds: 0, bitrateKbps: 0 };
    return { codec, transcoded: codec === 'vp8', width, height, ...counts };
  }

  async #writeFile(): Promise<void> {
    const video = this.#video;
    const anchorUs = this.#timeline.anchorUs;
    const zeroUs = Math.min(video === undefined ? Infinity : this.#firstVideoUs, anchorUs ?? Infinity);
    const audioStart = anchorUs === undefined ? 0 : Math.round(((anchorUs - zeroUs) * AAC_RATE_HZ) / 1e6);
    // Written under another name, so that a file with the final name is always whole.
    const unfinished = `${this.file}.mux`;
    const file = new Mp4File(unfinished);
    await file.start({
      video: video === undefined ? undefined : { ...video, parameterSets: this.#parameterSets ?? Buffer.alloc(0) },
      audio: anchorUs === undefined ? undefined : { channels: this.channels },
    });
    try {
      await this.#copySpool(file, zeroUs, audioStart);
    } catch (error) {
      await file.abandon();
      await rm(unfinished, { force: true });
      throw error;
    }
    await rename(unfinished, this.file);
  }

  async #copySpool(file: Mp4File, zeroUs: number, audioStart: number): Promise<void> {
    let written = 0;
    for await (const { kind, keyFrame, time, data } of readSpool(this.#spool.path)) {
      if (kind === 'video') file.video(data, time - zeroUs, keyFrame);
      else file.audio(data, audioStart + time);
      // Muxing is synchronous; recordings of other users go on meanwhile.
      if ((written += 1) % 256 === 0) await yieldToOthers();
    }
    await file.end();
  }

  #report(): Pick<UserReport, 'seconds' | 'video' | 'audio'> {
    const seconds = Math.max(0, (this.#lastVideoUs - this.#firstVideoUs) / 1e6);
    const soundSeconds = this.soundSeconds;
    const bitrateKbps = seconds > 0 ? Math.round((this.#videoBytes * 8) / 1000 / seconds) : 0;
    return {
      seconds: Math.max(seconds, soundSeconds),
      video: this.#video === undefined ? undefined : { ...this.#video, seconds, bitrateKbps },
      audio: this.#aac === undefined ? undefined : this.#audioReport(soundSeconds),
    };
  }

  #audioReport(seconds: number): AudioReport {
    const silenceMs = Math.round((this.#timeline.insertedSamples * 1000) / AAC_RATE_HZ);
    const { channels } = this;
    return { codec: 'aac', sampleRateHz: AAC_RATE_HZ, channels, seconds, dropped: this.#audioDropped, silenceMs };
  }
}

/** Samples of little-endian bytes: a view where they are aligned, else a copy. */
function samplesOf(bytes: Buffer): Int16Array {
  const count = bytes.length >> 1;
  if (bytes.byteOffset % 2 === 0) return new Int16Array(bytes.buffer, bytes.byteOffset, count);
  const samples = new Int16Array(count);
  bytes.copy(Buffer.from(samples.buffer));
  return samples;
}
