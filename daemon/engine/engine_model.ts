import { ChannelProfile } from '../../coreservice/ipc/enums.js';
import type { EngineSnapshot, RemoteUser } from '../../gen/alirtc/v1/events.js';
import { CoreRestartStep, EngineState } from '../../gen/alirtc/v1/events.js';
import {
  AudioTrack,
  ClientRole,
  ConnectionStatus,
  PublishState,
  SubscribeState,
  VideoStreamType,
  VideoTrack,
} from '../../gen/alirtc/v1/types.js';
import type { EngineEvent } from '../events/event_log.js';

/** What a client that has seen all events knows: the snapshot is nothing but the events added up. */
export class EngineModel {
  state = EngineState.STARTING;
  channel = '';
  userId = '';
  /** What SetClientRole set; undefined until then. */
  #role: ClientRole | undefined;
  #everyoneStreams = false;
  connectionStatus = ConnectionStatus.INIT;
  camera = PublishState.IDLE;
  dual = PublishState.IDLE;
  screen = PublishState.IDLE;
  audio = PublishState.IDLE;
  readonly #users = new Map<string, RemoteUser>();

  /** Until SetClientRole was called the profile decides. */
  get role(): ClientRole {
    return this.#role ?? (this.#everyoneStreams ? ClientRole.INTERACTIVE : ClientRole.LIVE);
  }

  set role(role: ClientRole) {
    this.#role = role;
  }

  /** A join is sent: ChannelProfile of the interface. */
  joining(channelProfile: number): void {
    this.#everyoneStreams = channelProfile === ChannelProfile.Communication;
  }

  get users(): readonly Readonly<RemoteUser>[] {
    return [...this.#users.values()];
  }

  user(uid: string): Readonly<RemoteUser> | undefined {
    return this.#users.get(uid);
  }

  snapshot(engineId: string, oldestSequence: number, leaseSeconds: number): EngineSnapshot {
    return {
      engineId,
      state: this.state,
      channel: this.channel,
      userId: this.userId,
      role: this.role,
      connectionStatus: this.connectionStatus,
      camera: this.camera,
      dual: this.dual,
      screen: this.screen,
      audio: this.audio,
      remoteUsers: [...this.#users.values()].map((user) => ({ ...user })),
      oldestSequence,
      leaseSeconds,
    };
  }

  /** Adds one event. */
  apply(event: EngineEvent): void {
    switch (event.$case) {
      case 'engineStateChanged':
        this.#setState(event.value.newState);
        break;
      case 'onJoinChannelResult':
        if (event.value.result === 0) {
          this.channel = event.value.channel;
          this.userId = event.value.userId;
        }
        break;
      case 'coreRestart':
        if (event.value.step === CoreRestartStep.REJOINED) {
          this.channel = event.value.channel;
          this.userId = event.value.userId;
        }
        break;
      case 'onUpdateRoleNotify':
        this.role = event.value.newRole;
        break;
      case 'onConnectionStatusChanged':
        this.connectionStatus = event.value.status;
        break;
      case 'onVideoPublishStateChanged':
        this.camera = event.value.newState;
        break;
      case 'onDualStreamPublishStateChanged':
        this.dual = event.value.newState;
        break;
      case 'onScreenSharePublishStateChanged':
        this.screen = event.value.newState;
        break;
      case 'onAudioPublishStateChanged':
        this.audio = event.value.newState;
        break;
      default:
        this.#applyToUser(event);
    }
  }

  #applyToUser(event: EngineEvent): void {
    switch (event.$case) {
      case 'onRemoteUserOnLineNotify':
        this.#at(event.value.uid);
        break;
      case 'onRemoteUserOffLineNotify':
        this.#users.delete(event.value.uid);
        break;
      case 'onRemoteTrackAvailableNotify': {
        const { uid, audioTrack, videoTrack } = event.value;
        Object.assign(this.#at(uid), { audioTrack, videoTrack });
        break;
      }
      // The states of a user that has gone go back to idle; that does not bring it back.
      case 'onAudioSubscribeStateChanged':
        this.#set(event.value.uid, { audio: event.value.newState });
        break;
      case 'onVideoSubscribeStateChanged':
        this.#set(event.value.uid, { camera: event.value.newState });
        break;
      case 'onScreenShareSubscribeStateChanged':
        this.#set(event.value.uid, { screen: event.value.newState });
        break;
      case 'onSubscribeStreamTypeChanged':
        this.#set(event.value.uid, { streamType: event.value.newStreamType });
        break;
      default:
    }
  }

  #set(uid: string, states: Partial<RemoteUser>): void {
    const user = this.#users.get(uid);
    if (user !== undefined) Object.assign(user, states);
  }

  #at(uid: string): RemoteUser {
    const known = this.#users.get(uid);
    if (known !== undefined) return known;
    const user: RemoteUser = {
      uid,
      audioTrack: AudioTrack.NO,
      videoTrack: VideoTrack.NO,
      audio: SubscribeState.IDLE,
      camera: SubscribeState.IDLE,
      screen: SubscribeState.IDLE,
      streamType: VideoStreamType.NONE,
    };
    this.#users.set(uid, user);
    return user;
  }

  #setState(state: EngineState): void {
    this.state = state;
    if (state === EngineState.JOINED || state === EngineState.JOINING || state === EngineState.LEAVING) return;
    // In no channel: there is nobody, and nothing is published.
    this.channel = '';
    this.userId = '';
    this.#users.clear();
    if (state !== EngineState.RESTARTING) this.#everyoneStreams = false;
    this.camera = this.dual = this.screen = this.audio = PublishState.IDLE;
  }
}
