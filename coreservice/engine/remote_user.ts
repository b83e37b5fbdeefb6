import { SubscribeState, VideoStreamType, VideoTrackType } from '../ipc/enums.js';
import type { RemoteParticipant, RemotePublication, RemoteTrack } from '../rtc/types.js';
import type { ChannelContext } from './channel_context.js';
import { StateMachine } from './state_machine.js';
import { Subscription, type MediaSink } from './subscription.js';
import { VideoReceiver } from './receive_video.js';
import { availabilityOf, NOTHING_AVAILABLE, publicationOf, type RemoteKind } from './visibility.js';

const KINDS: readonly RemoteKind[] = ['audio', 'camera', 'screen'];

/** One user that we see: its online and track callbacks, and its three subscriptions. Made when it becomes visible, closed when it stops being so. */
export class RemoteUser {
  readonly #subscriptions: Readonly<Record<RemoteKind, Subscription>>;
  readonly #streamType: StateMachine<VideoStreamType>;
  readonly #receivers = new Map<RemoteKind, VideoReceiver>();
  #available = NOTHING_AVAILABLE;

  constructor(
    readonly uid: string,
    public participant: RemoteParticipant,
    private readonly context: ChannelContext,
  ) {
    const { clock, outbox, channel } = context;
    this.#streamType = new StateMachine<VideoStreamType>(
      clock,
      VideoStreamType.None,
      undefined,
      (oldState, newState, elapseSinceLastState) =>
        outbox.event('SUBSCRIBED_STREAM_TYPE', { uid, oldState, newState, elapseSinceLastState, channel }),
    );
    this.#subscriptions = { audio: this.#make('audio'), camera: this.#make('camera'), screen: this.#make('screen') };
    outbox.event('REMOTE_USER_ONLINE', { uid });
  }

  /** Tells what changed of its tracks, then lets the subscriptions follow. */
  update(): void {
    const available = availabilityOf(this.participant);
    if (available.audioTrack !== this.#available.audioTrack || available.videoTrack !== this.#available.videoTrack) {
      this.#available = available;
      this.context.outbox.event('REMOTE_TRACKS_AVAILABLE', { uid: this.uid, ...available });
    }
    for (const kind of KINDS)
      this.#subscriptions[kind].update(
        publicationOf(this.participant, kind),
        this.context.policy.wants(this.uid, kind),
      );
    this.#applyQuality();
  }

  /** The wanted stream type has changed. */
  applyStreamType(): void {
    this.#applyQuality();
  }

  subscribed(publication: RemotePublication, track: RemoteTrack): void {
    this.#bySid(publication.sid)?.attach(track);
    this.#applyQuality();
  }

  unsubscribed(publication: RemotePublication): void {
    this.#bySid(publication.sid)?.detach();
  }

  /** True when the track is one of this user's. */
  subscriptionFailed(trackSid: string, reason: string): boolean {
    const subscription = this.#bySid(trackSid);
    subscription?.failed(reason);
    return subscription !== undefined;
  }

  applyDemand(): void {
    for (const receiver of this.#receivers.values()) receiver.applyDemand();
  }

  requestKeyFrame(track: number): void {
    const wanted: RemoteKind = track === VideoTrackType.ScreenShare ? 'screen' : 'camera';
    this.#receivers.get(wanted)?.requestKeyFrame();
  }

  /** Its subscriptions go back to Idle. Telling that it went offline is its owner's: not when we leave. */
  close(): void {
    for (const kind of KINDS) this.#subscriptions[kind].close();
  }

  #make(kind: RemoteKind): Subscription {
    const { room, clock, outbox, channel } = this.context;
    return new Subscription({
      uid: this.uid,
      kind,
      channel,
      room,
      clock,
      outbox,
      openSink: (track, onMedia) => this.#openSink(kind, track, onMedia),
      onState: (state) => {
        if (kind === 'camera') this.#followCamera(state);
      },
    });
  }

  #followCamera(state: SubscribeState): void {
    // Until the layer's size is known from the pictures, what was asked for is what is delivered.
    if (state === SubscribeState.Subscribed)
      this.#streamType.to(this.#wantsLow() ? VideoStreamType.Low : VideoStreamType.High);
    else if (state !== SubscribeState.Subscribing) this.#streamType.to(VideoStreamType.None);
  }

  #openSink(kind: RemoteKind, track: RemoteTrack, onMedia: () => void): MediaSink {
    const { audio, outbox, clock } = this.context;
    if (track.kind === 'audio') {
      const openedMs = clock.nowMs();
      audio.add(this.uid, track, () => {
        outbox.event('FIRST_AUDIO_PACKET', { uid: this.uid, timeCost: Math.round(clock.nowMs() - openedMs) });
        onMedia();
      });
      return { close: () => audio.remove(this.uid) };
    }
    const trackType = kind === 'screen' ? VideoTrackType.ScreenShare : this.#cameraType();
    const receiver = new VideoReceiver(track, { ...this.context.video, uid: this.uid, trackType, onMedia });
    this.#receivers.set(kind, receiver);
    return {
      close: () => {
        receiver.close();
        this.#receivers.delete(kind);
      },
    };
  }

  #cameraType(): VideoTrackType {
    return VideoTrackType.CameraLarge;
  }

  #applyQuality(): void {
    const { sid, publication } = this.#subscriptions.camera;
    if (sid === undefined || publication?.simulcast !== true) return;
    this.context.room.setVideoQuality(sid, this.#wantsLow() ? 'low' : 'high');
  }

  #wantsLow(): boolean {
    const publication = this.#subscriptions.camera.publication;
    return publication?.simulcast === true && this.context.policy.streamType(this.uid) === VideoStreamType.Low;
  }

  #bySid(sid: string): Subscription | undefined {
    return KINDS.map((kind) => this.#subscriptions[kind]).find((subscription) => subscription.sid === sid);
  }
}
