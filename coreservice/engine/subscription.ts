import type { ErrorName } from '../../common/error_codes.js';
import type { CallbackName } from '../ipc/callbacks.js';
import { SubscribeState } from '../ipc/enums.js';
import type { RemotePublication, RemoteTrack, Room } from '../rtc/types.js';
import type { EngineClock } from './clock.js';
import type { Outbox } from './outbox.js';
import { StateMachine, SUBSCRIBE_EDGES } from './state_machine.js';
import type { RemoteKind } from './visibility.js';

export const SUBSCRIBE_CALLBACKS = {
  audio: 'AUDIO_SUBSCRIBE_STATE',
  camera: 'CAMERA_SUBSCRIBE_STATE',
  screen: 'SCREEN_SUBSCRIBE_STATE',
} as const satisfies Record<RemoteKind, CallbackName>;

const FAILURES: Readonly<Record<RemoteKind, ErrorName>> = {
  audio: 'ERR_SUBSCRIBE_AUDIO_STREAM_FAILED',
  camera: 'ERR_SUBSCRIBE_VIDEO_STREAM_FAILED',
  screen: 'ERR_SUBSCRIBE_SCREEN_SHARE_FAILED',
};

/** LiveKit's name for it. */
const CODEC_UNSUPPORTED = 'SE_CODEC_UNSUPPORTED';

/** Where the media of a subscribed track goes. */
export interface MediaSink {
  close(): void;
}

export interface SubscriptionParts {
  uid: string;
  kind: RemoteKind;
  channel: string;
  room: Room;
  clock: EngineClock;
  outbox: Outbox;
  /** onMedia is called with the first piece of media. */
  openSink(track: RemoteTrack, onMedia: () => void): MediaSink;
  /** Before the first callback of a subscription and after the last: for what goes with it. */
  onState(state: SubscribeState): void;
}

/** One of a remote user's three streams, through its four states. It is subscribed while it is wanted and published. */
export class Subscription {
  readonly #machine: StateMachine<SubscribeState>;
  #publication: RemotePublication | undefined;
  #sink: MediaSink | undefined;
  #sinkTrack: RemoteTrack | undefined;
  #subscribedSid: string | undefined;
  #wanted = false;

  constructor(private readonly parts: SubscriptionParts) {
    const { uid, kind, channel, clock, outbox } = parts;
    this.#machine = new StateMachine(
      clock,
      SubscribeState.Idle,
      SUBSCRIBE_EDGES,
      (oldState, newState, elapseSinceLastState) => {
        outbox.event(SUBSCRIBE_CALLBACKS[kind], { uid, oldState, newState, elapseSinceLastState, channel });
        parts.onState(newState);
      },
    );
  }

  get state(): SubscribeState {
    return this.#machine.state;
  }

  get sid(): string | undefined {
    return this.#subscribedSid;
  }

  /** The server moves it between layers, or the host asks for a sink's service. */
  get publication(): RemotePublication | undefined {
    return this.#publication;
  }

  /** What the user publishes now, and whether it is wanted. */
  update(publication: RemotePublication | undefined, wanted: boolean): void {
    this.#publication = publication;
    this.#wanted = wanted;
    const sid = wanted ? publication?.sid : undefined;
    if (sid === this.#subscribedSid) return;
    this.#release();
    if (publication === undefined || sid === undefined) {
      this.#machine.to(SubscribeState.NoSubscribe);
      return;
    }
    this.#subscribedSid = sid;
    // A track that took the place of another begins anew.
    this.#machine.to(SubscribeState.NoSubscribe);
    this.#machine.to(SubscribeState.Subscribing);
    this.parts.room.subscribe(sid);
    if (publication.track !== undefined) this.attach(publication.track);
  }

  /** It was asked for: what failed is tried again by the next update. */
  retry(): void {
    if (this.#machine.state === SubscribeState.NoSubscribe) this.#release();
  }

  attach(track: RemoteTrack): void {
    if (track === this.#sinkTrack) return;
    this.#sink?.close();
    this.#sinkTrack = track;
    this.#sink = this.parts.openSink(track, () => this.#machine.to(SubscribeState.Subscribed));
  }

  /** The server took the track away while it is wanted. */
  detach(): void {
    this.#closeSink();
    if (this.#wanted && this.#subscribedSid !== undefined && this.#machine.state === SubscribeState.Subscribed) {
      this.#machine.to(SubscribeState.NoSubscribe);
      this.#machine.to(SubscribeState.Subscribing);
    }
  }

  failed(reason: string): void {
    if (!this.#machine.to(SubscribeState.NoSubscribe)) return;
    this.#closeSink();
    const { outbox, kind, uid } = this.parts;
    const text = reason === CODEC_UNSUPPORTED ? codecText(kind, this.#publication?.mimeType ?? '') : reason;
    outbox.error(FAILURES[kind], { text: `${uid}: ${text}` });
  }

  /** The user went, or we did: back to Idle. */
  close(): void {
    this.#release();
    this.#publication = undefined;
    this.#machine.to(SubscribeState.Idle);
  }

  #release(): void {
    this.#closeSink();
    const sid = this.#subscribedSid;
    this.#subscribedSid = undefined;
    if (sid !== undefined) this.parts.room.unsubscribe(sid);
  }

  #closeSink(): void {
    this.#sink?.close();
    this.#sink = undefined;
    this.#sinkTrack = undefined;
  }
}

function codecText(kind: RemoteKind, mimeType: string): string {
  const codec = mimeType.split('/')[1] ?? 'a codec without a name';
  if (kind === 'audio') return `publishes its microphone as ${codec}, and engines receive Opus: it has to publish Opus`;
  return (
    `publishes its ${kind} as ${codec}, and engines receive H.264 and VP8: ` +
    `it has to publish one of these (livekit-client: publishDefaults.videoCodec 'h264' or 'vp8', or a backupCodec)`
  );
}
