import { setTimeout as sleep } from 'node:timers/promises';
import { CALL_RESULT_NUMBERS } from '../../common/error_codes.js';
import { Lifecycle } from '../../common/lifecycle.js';
import {
  AudioQualityMode,
  ChannelProfile,
  ClientRole,
  PublishAvsyncMode,
  VideoDataFormat,
} from '../../gen/alirtc/v1/types.js';
import type { AlirtcClient } from '../alirtc_client.js';
import type { Engine, VideoPush } from '../engine.js';
import { AlirtcStatusError } from '../status_error.js';
import { MediaFile } from './media_file.js';
import type { FilePicture } from './media_file.js';
import { Outlet, Pacer } from './pacing.js';

export interface FilePlayerOptions {
  channel: string;
  userId: string;
  /** Default: asked of the daemon. */
  token?: string | undefined;
  appId?: string | undefined;
  file: string;
  /** Begins anew at the end; default false. */
  loop?: boolean | undefined;
  /** Default INTERACTIVE_LIVE, as streamer; a channel with another profile is joined with its own. */
  profile?: ChannelProfile | undefined;
  /** Of the sound that is pushed: 1 or 2; default 1. */
  audioChannels?: 1 | 2 | undefined;
  /** Default: by the size. */
  bitrateKbps?: number | undefined;
  /** Cancels the start: it rejects with CANCELLED, and nothing is left. */
  signal?: AbortSignal | undefined;
  /** Of the local clock, monotonic; default performance.now. */
  nowMs?: (() => number) | undefined;
}

const SAMPLE_RATE_HZ = 48_000;
/** Sound is pushed in pieces of this length. */
const PIECE_SAMPLES = SAMPLE_RATE_HZ / 50;
/** Everything is pushed this long before its time; the engine keeps it and sends it by its timestamp, so a late timer here is neither heard nor seen. */
const LEAD_MS = 400;
/** What the engine may keep: more than the lead. Audio in units of 10 ms, pictures by their number. */
const ENGINE_AUDIO_UNITS = 100;
const ENGINE_PICTURES = 30;
const DRAIN_POLL_MS = 40;
/** A picture that is later is left out, as long as there is sound that is in time. */
const LATE_PICTURE_MS = LEAD_MS + 150;
/** Sound that is later has left a hole already: the whole play goes on from here, instead of a burst that nobody can keep up with. */
const LATE_SOUND_MS = LEAD_MS + 100;
/** Decoded pictures and pieces of sound that wait for their time. */
const MOST_PICTURES = 6;
const MOST_PIECES = 100;
const PROFILES = [
  ChannelProfile.INTERACTIVE_LIVE,
  ChannelProfile.COMMUNICATION,
  ChannelProfile.INTERACTIVE_WITH_LOW_LATENCY_LIVE,
];

/**
 * Plays a media file into a channel with an engine of its own: decodes it, and pushes pictures and sound with their timestamps shortly
 * before their time (WITH_PTS: the engine sends them when it has come, in step). finished resolves at the
 * end of the file, or when the player closes.
 */
export class FilePlayer extends Lifecycle {
  readonly #client: AlirtcClient;
  readonly #options: FilePlayerOptions;
  readonly #nowMs: () => number;
  readonly #stop = new AbortController();
  #engine: Engine | undefined;
  #running: Promise<void> | undefined;
  #pictures = 0;
  #skipped = 0;
  #playedUs = 0;

  constructor(client: AlirtcClient, options: FilePlayerOptions) {
    super();
    this.#client = client;
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  get engine(): Engine | undefined {
    return this.#engine;
  }

  /** `skipped` pictures were left out because this process, or the engine, was too late for them. */
  get progress(): { pictures: number; skipped: number; seconds: number } {
    return { pictures: this.#pictures, skipped: this.#skipped, seconds: this.#playedUs / 1e6 };
  }

  /** Rejects with what went wrong while playing. */
  get finished(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  /** For the calls of the start. */
  get #call(): { signal?: AbortSignal } {
    const { signal } = this.#options;
    return signal === undefined ? {} : { signal };
  }

  protected async onStart(): Promise<void> {
    const file = await this.#openFile();
    try {
      this.#engine = await this.#client.createEngine({}, this.#call);
      await this.#prepare(this.#engine, file);
      await this.#join(this.#engine);
      await this.#publish(this.#engine, file);
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#running = this.#play(this.#engine, file);
    // Whoever wants to know asks `finished`; close() waits for the end either way.
    this.#running.catch(() => undefined);
  }

  protected async onClose(): Promise<void> {
    this.#stop.abort();
    await this.#running?.catch(() => undefined);
    await this.#engine?.release();
  }

  #openFile(): Promise<MediaFile> {
    const channels = this.#options.audioChannels ?? 1;
    // The interface takes pictures up to this size.
    const limits = { maxWidth: 1920, maxHeight: 1080 };
    return MediaFile.open(this.#options.file, { sampleRateHz: SAMPLE_RATE_HZ, channels, ...limits });
  }

  async #prepare(engine: Engine, file: MediaFile): Promise<void> {
    const channels = this.#options.audioChannels ?? 1;
    const pictures = file.pictureFormat;
    if (pictures !== undefined) {
      const { width, height, framesPerSecond } = pictures;
      await engine.setExternalVideoSource(true);
      await engine.setVideoEncoderConfiguration({
        dimensions: { width, height },
        frameRate: Math.min(30, Math.max(5, Math.round(framesPerSecond === 0 ? 25 : framesPerSecond))),
        bitrateKbps: this.#options.bitrateKbps ?? bitrateFor(width, height),
      });
    }
    if (file.hasSound) {
      await engine.setExternalAudioSource(true, { sampleRateHz: SAMPLE_RATE_HZ, channels });
      await engine.setAudioProfile(channels === 2 ? AudioQualityMode.STEREO_HIGH : AudioQualityMode.HIGH);
    }
  }

  async #join(engine: Engine): Promise<void> {
    const { channel, userId, appId, profile } = this.#options;
    const token =
      this.#options.token ?? (await this.#client.generateToken({ channel, userId, appId }, this.#call)).token;
    await engine.setClientRole(ClientRole.INTERACTIVE);
    const candidates = profile === undefined ? PROFILES : [profile];
    for (const [index, channelProfile] of candidates.entries()) {
      try {
        const config = {
          channelProfile,
          publishAvsyncMode: PublishAvsyncMode.WITH_PTS,
          publishAvsyncWithPtsMaxAudioCacheSize: ENGINE_AUDIO_UNITS,
          publishAvsyncWithPtsMaxVideoCacheSize: ENGINE_PICTURES,
        };
        await engine.joinChannel({ token, channelId: channel, userId, config }, this.#call);
        return;
      } catch (error) {
        const mismatch =
          error instanceof AlirtcStatusError && error.number === CALL_RESULT_NUMBERS.ERR_JOIN_PROFILE_MISMATCH;
        if (index === candidates.length - 1 || !mismatch) throw error;
      }
    }
  }

  /** A stream counts as published when the channel has it; for pictures that may need the first one, so nothing waits for it here. */
  async #publish(engine: Engine, file: MediaFile): Promise<void> {
    await engine.publishLocalVideoStream(file.hasPictures, { wait: false });
    await engine.publishLocalAudioStream(file.hasSound, { wait: false });
  }

  async #play(engine: Engine, first: MediaFile): Promise<void> {
    const { signal } = this.#stop;
    const video = first.hasPictures ? engine.videoPush({ signal }) : undefined;
    const audio = first.hasSound ? engine.audioPush({ signal }) : undefined;
    const pacer = new Pacer(this.#nowMs, signal, LEAD_MS);
    const pictures = new Outlet<FilePicture>(MOST_PICTURES, async (picture) => {
      const lateMs = await pacer.until(picture.timeUs);
      if (lateMs < LATE_PICTURE_MS) await this.#pushPicture(video, picture);
      else if (audio !== undefined) this.#skipped += 1;
      else pacer.delay(lateMs);
    });
    const sound = new Outlet<{ timeUs: number; data: Buffer }>(MOST_PIECES, async ({ timeUs, data }) => {
      const lateMs = await pacer.until(timeUs);
      if (lateMs > LATE_SOUND_MS) pacer.delay(lateMs);
      await audio?.push({ data, timestampMs: Math.round(timeUs / 1000) });
      this.#playedUs = Math.max(this.#playedUs, timeUs);
    });
    try {
      for (let file = first, startUs = 0; ; file = await this.#openFile()) {
        startUs = await decodeInto(file, startUs, pictures, sound);
        if (this.#options.loop !== true || signal.aborted) break;
      }
      await Promise.all([pictures.drained(), sound.drained()]);
      await Promise.all([video?.end(), audio?.end()]);
      await drained(engine, signal);
    } catch (error) {
      // A player that was closed has not failed.
      if (!signal.aborted) throw error;
    } finally {
      video?.cancel();
      audio?.cancel();
    }
  }

  async #pushPicture(video: VideoPush | undefined, { timeUs, width, height, data }: FilePicture): Promise<void> {
    const timestampMs = Math.round(timeUs / 1000);
    await video?.push({ format: VideoDataFormat.I420, width, height, timestampMs, data });
    this.#pictures += 1;
    this.#playedUs = Math.max(this.#playedUs, timeUs);
  }
}

/** Decodes a file into the outlets, which hold it back; gives the time at which the next run would begin. Closes the file. */
async function decodeInto(
  file: MediaFile,
  startUs: number,
  pictures: Outlet<FilePicture>,
  sound: Outlet<{ timeUs: number; data: Buffer }>,
): Promise<number> {
  let endUs = startUs;
  const pictureUs = 1e6 / (file.pictureFormat?.framesPerSecond || 25);
  const { channels } = file.options;
  try {
    for await (const frame of file.frames()) {
      const timeUs = startUs + frame.timeUs;
      if (frame.kind === 'picture') {
        endUs = Math.max(endUs, timeUs + pictureUs);
        await pictures.put({ ...frame, timeUs });
        continue;
      }
      for (let at = 0; at < frame.samples.length; at += PIECE_SAMPLES * channels) {
        const piece = frame.samples.subarray(at, at + PIECE_SAMPLES * channels);
        const pieceUs = timeUs + (at / channels / SAMPLE_RATE_HZ) * 1e6;
        endUs = Math.max(endUs, pieceUs + (piece.length / channels / SAMPLE_RATE_HZ) * 1e6);
        await sound.put({ timeUs: pieceUs, data: Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength) });
      }
    }
  } finally {
    await file.close();
  }
  return endUs;
}

/** Waits until the engine has sent what it was pushed, as long as that can take. */
async function drained(engine: Engine, signal: AbortSignal): Promise<void> {
  for (let waitedMs = 0; waitedMs < 2 * LEAD_MS; waitedMs += DRAIN_POLL_MS) {
    const { audioBufferMs, videoBufferFrames } = await engine.getRemainDataBufferSize();
    if (audioBufferMs === 0 && videoBufferFrames === 0) return;
    await sleep(DRAIN_POLL_MS, undefined, { signal });
  }
}

/** The most that the interface's table recommends at 30 pictures a second, by area: 700 kbit/s for 640 by 480, 2400 for 1280 by 720, 3000 for 1920 by 1080. */
function bitrateFor(width: number, height: number): number {
  const area = width * height;
  if (area <= 640 * 480) return 700;
  if (area <= 960 * 720) return 1500;
  return area <= 1280 * 720 ? 2400 : 3000;
}
