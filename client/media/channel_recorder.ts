import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { ERROR_NUMBERS, CALL_RESULT_NUMBERS } from '../../common/error_codes.js';
import { Lifecycle } from '../../common/lifecycle.js';
import { messageOf } from '../../common/errors.js';
import { AudioFormat, ChannelProfile, SubscribeMode, VideoTrackType } from '../../gen/alirtc/v1/types.js';
import type { AlirtcClient } from '../alirtc_client.js';
import type { Engine } from '../engine.js';
import type { AlirtcEvent, EventStream } from '../event_stream.js';
import { AlirtcStatusError } from '../status_error.js';
import { UserRecording } from './user_recording.js';
import type { UserReport } from './user_recording.js';

export interface ChannelRecorderOptions {
  channel: string;
  /** The recorder's own user id. */
  userId: string;
  /** Default: asked of the daemon. */
  token?: string | undefined;
  /** Of the app id; default the daemon's first. */
  appId?: string | undefined;
  /** Made when it does not exist. */
  outFolder: string;
  /** Only these users; left out or empty: all. */
  userIds?: readonly string[] | undefined;
  /** Default INTERACTIVE_LIVE, as audience that nobody sees; a channel with another profile is joined with its own. */
  profile?: ChannelProfile | undefined;
  /** 1 or 2; default 1. */
  audioChannels?: 1 | 2 | undefined;
  /** Cancels the start: it rejects with CANCELLED, and nothing is left. */
  signal?: AbortSignal | undefined;
  /** Of the local clock; default Date.now. */
  nowMs?: (() => number) | undefined;
}

const CAMERA_TRACKS = [VideoTrackType.CAMERA_LARGE, VideoTrackType.CAMERA_SMALL, VideoTrackType.CAMERA_SUPER];
/** One second of pictures and of sound may wait in the daemon while a disk is slow, and more. */
const QUEUE_PICTURES = 300;
const QUEUE_SOUND_FRAMES = 500;
const PROFILES = [
  ChannelProfile.INTERACTIVE_LIVE,
  ChannelProfile.COMMUNICATION,
  ChannelProfile.INTERACTIVE_WITH_LOW_LATENCY_LIVE,
];

interface UserTask {
  recording: UserRecording;
  ended: Promise<string | undefined>;
}

/**
 * Records a channel: joins it with an engine of its own, subscribes to everybody, and writes one MP4 for each remote user that was heard or seen (and one for a
 * shared screen). close() ends the recording; reports then tell what was written.
 */
export class ChannelRecorder extends Lifecycle {
  readonly #client: AlirtcClient;
  readonly #options: ChannelRecorderOptions;
  readonly #nowMs: () => number;
  readonly #stop = new AbortController();
  readonly #users = new Map<string, UserTask>();
  #engine: Engine | undefined;
  #events: EventStream | undefined;
  #watching: Promise<void> | undefined;
  #reports: UserReport[] = [];

  constructor(client: AlirtcClient, options: ChannelRecorderOptions) {
    super();
    this.#client = client;
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    // Three streams of every user listen to it.
    setMaxListeners(0, this.#stop.signal);
  }

  get engine(): Engine | undefined {
    return this.#engine;
  }

  /** Of every user, once the recorder is closed. */
  get reports(): readonly UserReport[] {
    return this.#reports;
  }

  /** What has been received so far; shared screens only when there is something. */
  get progress(): { uid: string; screen: boolean; pictures: number; soundSeconds: number }[] {
    return [...this.#users.values()]
      .map(({ recording: { uid, screen, pictures, soundSeconds } }) => ({ uid, screen, pictures, soundSeconds }))
      .filter(({ screen, pictures }) => !screen || pictures > 0);
  }

  /** For the calls of the start. */
  get #call(): { signal?: AbortSignal } {
    const { signal } = this.#options;
    return signal === undefined ? {} : { signal };
  }

  protected async onStart(): Promise<void> {
    await mkdir(this.#options.outFolder, { recursive: true });
    this.#engine = await this.#client.createEngine({}, this.#call);
    this.#events = this.#engine.events();
    // Opened before the join, so that no user is missed.
    this.#watching = this.#watch(this.#events, this.#engine);
    await this.#join(this.#engine);
  }

  protected async onClose(): Promise<void> {
    this.#events?.cancel();
    this.#stop.abort();
    await this.#watching;
    for (const { recording, ended } of this.#users.values()) {
      const report = await this.#finish(recording, await ended);
      // Most users share no screen.
      if (!report.screen || report.file !== undefined) this.#reports.push(report);
    }
    await this.#engine?.release();
  }

  async #finish(recording: UserRecording, error: string | undefined): Promise<UserReport> {
    try {
      return await recording.finish(error);
    } catch (failure) {
      const text = `writing ${recording.file}: ${messageOf(failure)}; what was received is in ${recording.file}.part`;
      return {
        uid: recording.uid,
        screen: recording.screen,
        file: undefined,
        seconds: 0,
        video: undefined,
        audio: undefined,
        error: text,
      };
    }
  }

  async #join(engine: Engine): Promise<void> {
    const { channel, userId, appId, profile } = this.#options;
    const token =
      this.#options.token ?? (await this.#client.generateToken({ channel, userId, appId }, this.#call)).token;
    const candidates = profile === undefined ? PROFILES : [profile];
    for (const [index, channelProfile] of candidates.entries()) {
      try {
        const subscribeMode = SubscribeMode.AUTOMATICALLY;
        const subscribeAudioFormat = AudioFormat.PCM_BEFORE_MIXING;
        const config = { channelProfile, subscribeMode, subscribeAudioFormat };
        await engine.joinChannel({ token, channelId: channel, userId, config }, this.#call);
        return;
      } catch (error) {
        if (index === candidates.length - 1 || !isProfileMismatch(error)) throw error;
      }
    }
  }

  async #watch(events: EventStream, engine: Engine): Promise<void> {
    try {
      for await (const event of events) {
        for (const uid of appeared(event)) this.#record(engine, uid);
        if (isOut(event)) break;
      }
    } catch (error) {
      if (this.state === 'ready') this.#fail(error);
      return;
    }
    if (this.state === 'ready' && !this.#stop.signal.aborted) this.#fail(new Error('the engine is out of the channel'));
  }

  /** Not awaited: closing waits for the watcher that calls this. */
  #fail(error: unknown): void {
    void this.close({ kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) });
  }

  #record(engine: Engine, uid: string): void {
    const { userIds = [], audioChannels = 1 } = this.#options;
    if (this.#users.has(uid) || (userIds.length > 0 && !userIds.includes(uid))) return;
    const camera = new UserRecording(uid, this.#fileName(uid, ''), audioChannels);
    const cameraAndSound = [this.#pictures(engine, camera, CAMERA_TRACKS), this.#sound(engine, camera)];
    this.#users.set(uid, { recording: camera, ended: firstError(cameraAndSound) });
    const screen = new UserRecording(uid, this.#fileName(uid, '.screen'), audioChannels, true);
    const shared = [this.#pictures(engine, screen, [VideoTrackType.SCREEN_SHARE])];
    // No uid has a space, so this is the name of no user.
    this.#users.set(`${uid} screen`, { recording: screen, ended: firstError(shared) });
  }

  async #pictures(engine: Engine, recording: UserRecording, tracks: VideoTrackType[]): Promise<void> {
    const options = { uids: [recording.uid], tracks, queueFrames: QUEUE_PICTURES, signal: this.#stop.signal };
    for await (const frame of engine.encodedPictures(options)) await recording.picture(frame, this.#nowMs() * 1000);
  }

  async #sound(engine: Engine, recording: UserRecording): Promise<void> {
    const { channels } = recording;
    const options = { uids: [recording.uid], sampleRateHz: 48_000, channels, queueFrames: QUEUE_SOUND_FRAMES };
    for await (const frame of engine.audioFrames({ ...options, signal: this.#stop.signal }))
      await recording.sound(frame, this.#nowMs() * 1000);
  }

  /** Never a file that exists. User ids of other software may hold any character. */
  #fileName(uid: string, suffix: string): string {
    const safe = encodeURIComponent(uid).replaceAll('.', '%2E').slice(0, 128);
    for (let number = 1; ; number += 1) {
      const name = `${safe}${suffix}${number === 1 ? '' : `-${number}`}.mp4`;
      const file = path.join(this.#options.outFolder, name);
      if (!existsSync(file) && !existsSync(`${file}.part`)) return file;
    }
  }
}

/** The users that an event makes known. */
function appeared(event: AlirtcEvent): string[] {
  if (event.type === 'onRemoteUserOnLineNotify') return [event.value.uid];
  if (event.type === 'snapshot') return event.value.remoteUsers.map(({ uid }) => uid);
  return [];
}

/** The engine is out of the channel against our will, for good. */
function isOut(event: AlirtcEvent): boolean {
  if (event.type === 'ended') return true;
  return (
    event.type === 'onError' &&
    [ERROR_NUMBERS.ERR_LEAVE_UNUSUAL, ERROR_NUMBERS.ERR_NETWORK_RECONNECT_FAIL].some((n) => n === event.value.number)
  );
}

function isProfileMismatch(error: unknown): boolean {
  return error instanceof AlirtcStatusError && error.number === CALL_RESULT_NUMBERS.ERR_JOIN_PROFILE_MISMATCH;
}

/** Waits for all of them; the text of the first failure. */
async function firstError(tasks: Promise<void>[]): Promise<string | undefined> {
  const results = await Promise.allSettled(tasks);
  const failed = results.find((result) => result.status === 'rejected');
  return failed === undefined ? undefined : messageOf(failed.reason);
}
