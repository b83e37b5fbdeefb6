import { setTimeout as sleep } from 'node:timers/promises';
import { CALL_RESULT_NUMBERS } from '../../common/error_codes.js';
import { Lifecycle } from '../../common/lifecycle.js';
import { AudioQualityMode, ChannelProfile, ClientRole, VideoDataFormat } from '../../gen/alirtc/v1/types.js';
import type { AlirtcClient } from '../alirtc_client.js';
import type { Engine, VideoPush } from '../engine.js';
import { AlirtcStatusError } from '../status_error.js';
import { MediaFile } from './media_file.js';
import type { FilePicture } from './media_file.js';

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
  /** Of the local clock, monotonic; default performance.now. */
  nowMs?: (() => number) | undefined;
}

const SAMPLE_RATE_HZ = 48_000;
/** Sound goes out in pieces of this length, each when its time has come. */
const PIECE_SAMPLES = SAMPLE_RATE_HZ / 50;
/** Sound goes this much ahead, so that late timers of this process are not heard; the engine keeps 200 ms. */
const SOUND_LEAD_MS = 40;
/** A picture that is later is left out, as long as there is sound that is in time. */
const LATE_PICTURE_MS = 150;
/** Sound that is later has left a hole already: the whole play goes on from here, instead of a burst that nobody can keep up with. */
const LATE_SOUND_MS = 100;
/** Decoded pictures and pieces of sound that wait for their time. */
const MOST_PICTURES = 6;
const MOST_PIECES = 100;
const PROFILES = [
  ChannelProfile.INTERACTIVE_LIVE,
  ChannelProfile.COMMUNICATION,
  ChannelProfile.INTERACTIVE_WITH_LOW_LATENCY_LIVE,
];

/**
 * Plays a media file into a channel with an engine of its own: decodes it, and pushes pictures and sound when their time has come. finished resolves at the
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

  protected async onStart(): Promise<void> {
    const file = await this.#openFile();
    try {
      this.#engine = await this.#client.createEngine();
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
    const token = this.#options.token ?? (await this.#client.generateToken({ channel, userId, appId })).token;
    await engine.setClientRole(ClientRole.INTERACTIVE);
    const candidates = profile === undefined ? PROFILES : [profile];
    for (const [index, channelProfile] of candidates.entries()) {
      try {
        await engine.joinChannel({ token, channelId: channel, userId, config: { channelProfile } });
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
    const pacer = new Pacer(this.#nowMs, signal);
    const pictures = new Outlet<FilePicture>(MOST_PICTURES, async (picture) => {
      const lateMs = await pacer.until(picture.timeUs);
      if (lateMs < LATE_PICTURE_MS) await this.#pushPicture(video, picture);
      else if (audio !== undefined) this.#skipped += 1;
      else pacer.delay(lateMs);
    });
    const sound = new Outlet<{ timeUs: number; data: Buffer }>(MOST_PIECES, async ({ timeUs, data }) => {
      const lateMs = await pacer.until(timeUs - SOUND_LEAD_MS * 1000);
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

/** Waits until a time of the file has come. The clock starts with the first wait. */
class Pacer {
  #zeroMs: number | undefined;

  constructor(
    private readonly nowMs: () => number,
    private readonly signal: AbortSignal,
  ) {}

  /** Resolves with how much too late it is, in milliseconds. */
  async until(timeUs: number): Promise<number> {
    this.#zeroMs ??= this.nowMs() + SOUND_LEAD_MS;
    const waitMs = this.#zeroMs + timeUs / 1000 - this.nowMs();
    if (waitMs <= 0) return -waitMs;
    await sleep(waitMs, undefined, { signal: this.signal });
    return 0;
  }

  /** Everything that is still to come is played so much later. */
  delay(lateMs: number): void {
    if (this.#zeroMs !== undefined) this.#zeroMs += lateMs;
  }
}

/** A bounded queue in front of a slow consumer that takes one item at a time. */
class Outlet<Item> {
  readonly #pending: Promise<void>[] = [];
  #tail: Promise<void> = Promise.resolve();

  constructor(
    private readonly limit: number,
    private readonly consume: (item: Item) => Promise<void>,
  ) {}

  /** Resolves when there is room for the next one; rejects when the consumer has failed. */
  async put(item: Item): Promise<void> {
    this.#tail = this.#tail.then(() => this.consume(item));
    this.#tail.catch(() => undefined);
    this.#pending.push(this.#tail);
    if (this.#pending.length >= this.limit) await this.#pending.shift();
  }

  async drained(): Promise<void> {
    await this.#tail;
  }
}

/** The most that the interface's table recommends at 30 pictures a second, by area: 700 kbit/s for 640 by 480, 2400 for 1280 by 720, 3000 for 1920 by 1080. */
function bitrateFor(width: number, height: number): number {
  const area = width * height;
  if (area <= 640 * 480) return 700;
  if (area <= 960 * 720) return 1500;
  return area <= 1280 * 720 ? 2400 : 3000;
}
