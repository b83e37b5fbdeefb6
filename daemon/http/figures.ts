import type { AudioFigures, PublishedView, UserView, VideoFigures } from '../../common/console_api.js';
import type { EngineSnapshot, RemoteUser } from '../../gen/alirtc/v1/events.js';
import {
  AudioTrack,
  PublishState,
  SubscribeState,
  VideoStreamType,
  VideoTrack,
  VideoTrackType,
} from '../../gen/alirtc/v1/types.js';
import type { EngineEvent } from '../events/event_log.js';

/** Statistics come every 2 s; what did not come twice does not flow any more. */
const STALE_MS = 5_000;

interface Kept<T> {
  atMs: number;
  figures: T;
}

/** The newest figures of an engine's statistics callbacks, by user and track. */
export class Figures {
  readonly #video = new Map<string, Kept<VideoFigures>>();
  readonly #audio = new Map<string, Kept<AudioFigures>>();
  readonly #sent = new Map<PublishedView['kind'], Kept<{ fps: number; kbps: number }>>();
  #call: Kept<{ sentKbps: number; receivedKbps: number; roundTripMs: number; lossPercent: number }> | undefined;

  apply(event: EngineEvent, atMs: number): void {
    switch (event.$case) {
      case 'onCallStats': {
        const { sentBitrateKbps, receivedBitrateKbps, lastMileDelayMs, receivedLossRatePercent } = event.value;
        const figures = { sentKbps: sentBitrateKbps, receivedKbps: receivedBitrateKbps };
        const quality = { roundTripMs: lastMileDelayMs, lossPercent: receivedLossRatePercent };
        this.#call = { atMs, figures: { ...figures, ...quality } };
        break;
      }
      case 'onRemoteVideoStats': {
        const { userId, track, width, height, decodeFps, receivedBitrateBps, packetLossRatePercent } = event.value;
        const { frozenTimes, endToEndDelayMs: delayMs } = event.value;
        const kbps = Math.round(receivedBitrateBps / 1000);
        const lossPercent = packetLossRatePercent;
        const figures = { width, height, fps: decodeFps, kbps, lossPercent, frozenTimes, delayMs };
        this.#video.set(videoKey(userId, track === VideoTrackType.SCREEN_SHARE), { atMs, figures });
        break;
      }
      case 'onRemoteAudioStats': {
        const { userId, receivedBitrateBps, lossRatePercent: lossPercent, endToEndDelayMs: delayMs } = event.value;
        const kbps = Math.round(receivedBitrateBps / 1000);
        this.#audio.set(userId, { atMs, figures: { kbps, lossPercent, delayMs } });
        break;
      }
      case 'onLocalVideoStats': {
        const { track, sentFps: fps, sentBitrateBps } = event.value;
        const kind = SENT_KINDS[track] ?? 'camera';
        this.#sent.set(kind, { atMs, figures: { fps, kbps: Math.round(sentBitrateBps / 1000) } });
        break;
      }
      case 'onLocalAudioStats':
        this.#sent.set('audio', { atMs, figures: { fps: 0, kbps: Math.round(event.value.sentBitrateBps / 1000) } });
        break;
      case 'onRemoteUserOffLineNotify':
        this.#audio.delete(event.value.uid);
        for (const isScreen of [false, true]) this.#video.delete(videoKey(event.value.uid, isScreen));
        break;
      default:
    }
  }

  /** Lets go of what has stopped. */
  prune(nowMs: number): void {
    for (const map of [this.#video, this.#audio, this.#sent] as Map<string, Kept<unknown>>[])
      for (const [key, { atMs }] of map) if (nowMs - atMs > STALE_MS) map.delete(key);
    if (this.#call !== undefined && nowMs - this.#call.atMs > STALE_MS) this.#call = undefined;
  }

  get call(): { sentKbps: number; receivedKbps: number; roundTripMs: number; lossPercent: number } {
    return this.#call?.figures ?? { sentKbps: 0, receivedKbps: 0, roundTripMs: 0, lossPercent: 0 };
  }

  /** Pictures a second, all users together. */
  get receivedFps(): number {
    return [...this.#video.values()].reduce((sum, { figures }) => sum + figures.fps, 0);
  }

  get sentFps(): number {
    const of = (kind: PublishedView['kind']): number => this.#sent.get(kind)?.figures.fps ?? 0;
    return of('camera') + of('screen');
  }

  users(users: readonly RemoteUser[]): UserView[] {
    return users.map((user) => {
      const camera = this.#video.get(videoKey(user.uid, false))?.figures;
      const screen = this.#video.get(videoKey(user.uid, true))?.figures;
      const audio = this.#audio.get(user.uid)?.figures;
      return {
        uid: user.uid,
        hasAudio: user.audioTrack === AudioTrack.MIC,
        hasCamera: user.videoTrack === VideoTrack.CAMERA || user.videoTrack === VideoTrack.BOTH,
        hasScreen: user.videoTrack === VideoTrack.SCREEN || user.videoTrack === VideoTrack.BOTH,
        audio: SubscribeState[user.audio],
        camera: SubscribeState[user.camera],
        screen: SubscribeState[user.screen],
        streamType: VideoStreamType[user.streamType],
        ...(camera === undefined ? {} : { cameraFigures: camera }),
        ...(screen === undefined ? {} : { screenFigures: screen }),
        ...(audio === undefined ? {} : { audioFigures: audio }),
      };
    });
  }

  published(snapshot: EngineSnapshot): PublishedView[] {
    return (['camera', 'dual', 'screen', 'audio'] as const).map((kind) => ({
      kind,
      state: PublishState[snapshot[kind]],
      fps: this.#sent.get(kind)?.figures.fps ?? 0,
      kbps: this.#sent.get(kind)?.figures.kbps ?? 0,
    }));
  }
}

const SENT_KINDS: Readonly<Partial<Record<VideoTrackType, PublishedView['kind']>>> = {
  [VideoTrackType.CAMERA_LARGE]: 'camera',
  [VideoTrackType.CAMERA_SMALL]: 'dual',
  [VideoTrackType.SCREEN_SHARE]: 'screen',
};

function videoKey(uid: string, isScreen: boolean): string {
  return `${isScreen ? 'screen' : 'camera'} ${uid}`;
}
