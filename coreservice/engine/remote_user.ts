import { SubscribeState, VideoStreamType, VideoTrackType } from '../ipc/enums.js';
import type { EncodedUnit, RemoteParticipant, RemotePublication, RemoteTrack } from '../rtc/types.js';
import type { ChannelContext } from './channel_context.js';
import { StateMachine } from './state_machine.js';
import type { RemoteVideoTotals } from './statistics.js';
import { SeiReceiver } from './sei_receiver.js';
import { Subscription, type MediaSink } from './subscription.js';
import { VideoReceiver } from './receive_video.js';
import { availabilityOf, NOTHING_AVAILABLE, publicationOf, type RemoteKind } from './visibility.js';

const KINDS: readonly RemoteKind[] = ['audio', 'camera', 'screen'];

/** How long the word of a publisher's new size may take. */
const RESIZE_NOTICE_MS = 1000;

/** One user that we see: its online and track callbacks, and its three subscriptions. Made when it becomes visible, closed when it stops being so. */
export class RemoteUser {
  readonly #subscriptions: Readonly<Record<RemoteKind, Subscription>>;
  readonly #streamType: StateMachine<VideoStreamType>;
  readonly #receivers = new Map<RemoteKind, VideoReceiver>();
  #available = NOTHING_AVAILABLE;
  #layer: VideoStreamType | undefined;
  /** Of the last key frame of the camera. */
  #size: { width: number; height: number } | undefined;
  /** Since when the size speaks for a layer that nobody asked for. */
  #doubtedSinceMs: number | undefined;

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

  /** A subscribing call: what it set takes effect, and what failed is tried again. */
  asked(kinds: readonly RemoteKind[]): void {
    for (const kind of kinds) this.#subscriptions[kind].retry();
    this.update();
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

  videoTotals(): RemoteVideoTotals[] {
    return [...this.#receivers.values()].map((receiver) => receiver.totals());
  }

  /** Its subscriptions go back to Idle. Telling that it went offline is its owner's: not when we leave. */
  close(): void {
    for (const kind of KINDS) this.#subscriptions[kind].close();
    this.context.video.lanes.forget(this.uid);
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
    if (state === SubscribeState.Subscribed) this.#deliver(this.#layer ?? VideoStreamType.High);
    else if (state !== SubscribeState.Subscribing) {
      this.#layer = undefined;
      this.#size = undefined;
      this.#doubtedSinceMs = undefined;
      this.#streamType.to(VideoStreamType.None);
    }
  }

  /** Which layer comes is known by the size of its pictures; the server switches when it has a key frame. */
  #followLayer(unit: EncodedUnit): void {
    if (unit.keyFrame && unit.width > 0) this.#size = { width: unit.width, height: unit.height };
    else if (this.#doubtedSinceMs === undefined) return;
    if (this.#size !== undefined) this.#judgeLayer(this.#size);
  }

  #judgeLayer({ width, height }: { width: number; height: number }): void {
    const { publication } = this.#subscriptions.camera;
    const small = publication?.simulcast === true && 2 * width * height <= publication.width * publication.height;
    const asked = this.#wantsLow() ? VideoStreamType.Low : VideoStreamType.High;
    const bySize = small ? VideoStreamType.Low : VideoStreamType.High;
    // Layers of one size (rtc-node's at 640x360) differ in their bit rate alone: the key frame of the switch is all that is seen of it.
    const layer = publication?.layersAlike === true ? asked : bySize;
    if (layer !== this.#layer && this.#layer === asked) {
      // More likely the publisher's pictures have another size, and the word of it is on its way. Else the server has nothing better.
      const nowMs = this.context.clock.nowMs();
      this.#doubtedSinceMs ??= nowMs;
      if (nowMs - this.#doubtedSinceMs < RESIZE_NOTICE_MS) return;
    }
    this.#doubtedSinceMs = undefined;
    this.#layer = layer;
    if (this.#subscriptions.camera.state === SubscribeState.Subscribed) this.#deliver(layer);
  }

  #deliver(type: VideoStreamType): void {
    this.#streamType.to(type);
    const trackType = type === VideoStreamType.Low ? VideoTrackType.CameraSmall : VideoTrackType.CameraLarge;
    this.#receivers.get('camera')?.setTrackType(trackType);
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
    const trackType = kind === 'screen' ? VideoTrackType.ScreenShare : VideoTrackType.CameraLarge;
    const sei = new SeiReceiver(
      () => clock.nowMs(),
      (data) => outbox.event('SEI_RECEIVED', { userid: this.uid }, data),
    );
    const receiver = new VideoReceiver(track, {
      ...this.context.video,
      uid: this.uid,
      trackType,
      onMedia: (first) => {
        if (kind === 'camera') this.#followLayer(first);
        onMedia();
      },
      onUnit: (unit) => {
        if (kind !== 'camera') return;
        this.#followLayer(unit);
        sei.handle(unit);
      },
    });
    this.#receivers.set(kind, receiver);
    return {
      close: () => {
        receiver.close();
        this.#receivers.delete(kind);
      },
    };
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
