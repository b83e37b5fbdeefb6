import type { VideoStreamType } from '../ipc/enums.js';
import { SubscribeMode } from '../ipc/enums.js';
import type { RemoteKind } from './visibility.js';

/** Who is subscribed to what: the join's mode, and what was said for single users since. It lives as long as the stay in the channel. */
export class SubscriptionPolicy {
  readonly #overrides = new Map<string, boolean>();
  readonly #streamTypes = new Map<string, VideoStreamType>();

  constructor(
    private readonly mode: number,
    private readonly isAudioOnly: boolean,
    public defaultStreamType: VideoStreamType,
  ) {}

  wants(uid: string, kind: RemoteKind): boolean {
    const said = this.#overrides.get(`${kind} ${uid}`);
    if (said !== undefined) return said;
    if (kind === 'audio')
      return this.mode === SubscribeMode.Automatically || this.mode === SubscribeMode.AudioAutoAndOnly;
    if (this.isAudioOnly) return false;
    if (this.mode === SubscribeMode.Automatically) return true;
    return kind === 'camera' && this.mode === SubscribeMode.CameraAutoAndOnly;
  }

  set(uid: string, kind: RemoteKind, wanted: boolean): void {
    this.#overrides.set(`${kind} ${uid}`, wanted);
  }

  streamType(uid: string): VideoStreamType {
    return this.#streamTypes.get(uid) ?? this.defaultStreamType;
  }

  setStreamType(uid: string, type: VideoStreamType): void {
    this.#streamTypes.set(uid, type);
  }
}
