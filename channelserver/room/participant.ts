import { DataPacket, DataPacket_Kind, DisconnectReason, SignalTarget } from '@livekit/protocol';
import type { SignalResponse, TrickleRequest } from '@livekit/protocol';
import { LeaveRequest, LeaveRequest_Action, MediaSectionsRequirement, SessionDescription } from '@livekit/protocol';
import { SubscriptionError, SubscriptionResponse } from '@livekit/protocol';
import { messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import { DualConnections } from '../forward/dual_connections.js';
import type { ParticipantMedia, ParticipantMediaEvents } from '../forward/participant_media.js';
import type { Announcement } from '../forward/publisher_connection.js';
import { SingleConnection } from '../forward/single_connection.js';
import type { TransportState } from '../../webrtc/media_transport.js';
import type { TransportFactory } from '../forward/transports.js';
import { UpTrack } from '../forward/up_track.js';
import type { Limits, Timing } from '../limits.js';
import { ParticipantState } from './participant_state.js';
import type { Grants } from './grants.js';
import type { Publication } from './publication.js';
import { ResumableLink } from './resumable_link.js';
import type { SignalLink } from './signal_link.js';
import { subscribedQualities } from './subscribed_qualities.js';
import { Subscriptions } from './subscriptions.js';

export interface ParticipantContext {
  limits: Limits;
  timing: Timing;
  transports: TransportFactory;
  logger: Logger;
}

/** What a participant tells its room. */
export interface ParticipantObserver {
  changed(participant: Participant): void;
  published(participant: Participant, publication: Publication): void;
  unpublished(participant: Participant, publication: Publication): void;
  data(participant: Participant, packet: DataPacket, reliable: boolean): void;
  /** It cannot go on, or wants to go. */
  finished(participant: Participant, reason: DisconnectReason, action: LeaveRequest_Action | undefined): void;
}

export interface JoinOptions {
  /** One connection for both directions (/rtc/v1), or two (/rtc). */
  connections: 'single' | 'dual';
  autoSubscribe: boolean;
  clientProtocol: number;
  /** Its own, when its token allows it. Empty: as the token says. */
  metadata: string;
  attributes: Readonly<Record<string, string>>;
}

/** One client in a room: its state, its media connections and its subscriptions. */
export class Participant {
  readonly state: ParticipantState;
  readonly link: ResumableLink;
  readonly subscriptions: Subscriptions;
  readonly autoSubscribe: boolean;
  readonly logger: Logger;
  readonly #context: ParticipantContext;
  readonly #observer: ParticipantObserver;
  readonly #media: ParticipantMedia;
  #connectTimer: NodeJS.Timeout | undefined;
  #resumeTimer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    grants: Grants,
    link: SignalLink,
    options: JoinOptions,
    observer: ParticipantObserver,
    context: ParticipantContext,
  ) {
    this.state = new ParticipantState(grants, Date.now(), options.clientProtocol);
    if (grants.canUpdateOwnMetadata && this.state.sizeAfter({ ...options, name: '' }) <= context.limits.metadataBytes)
      this.state.update({ ...options, name: '' });
    this.link = new ResumableLink(link);
    this.autoSubscribe = options.autoSubscribe;
    this.#observer = observer;
    this.#context = context;
    this.logger = context.logger.child({ participant: this.state.sid, identity: grants.identity });
    const Media = options.connections === 'single' ? SingleConnection : DualConnections;
    this.#media = new Media(
      context.transports,
      this.#mediaEvents(),
      {
        maxSlots: context.limits.subscriptionsPerParticipant,
        dataQueueBytes: context.limits.dataQueueBytes,
        answerMs: context.timing.answerMs,
      },
      this.logger,
    );
    this.subscriptions = new Subscriptions(this, this.#media);
  }

  #mediaEvents(): ParticipantMediaEvents {
    const { link } = this;
    return {
      claim: (media) => this.#claim(media),
      ended: (mid) => this.#mediaEnded(mid),
      data: (label, message) => this.#receiveData(label, message),
      state: (connection, state) => this.#onMediaState(connection, state),
      offer: (sdp, id) => link.send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp, id }) }),
      sectionsNeeded: (numAudios, numVideos) =>
        link.send({
          case: 'mediaSectionsRequirement',
          value: new MediaSectionsRequirement({ numAudios, numVideos }),
        }),
      refused: (trackSid) => this.#subscriptionRefused(trackSid),
      stuck: (reason) => this.#mediaFailed(reason),
    };
  }

  get sid(): string {
    return this.state.sid;
  }

  get identity(): string {
    return this.state.identity;
  }

  get hidden(): boolean {
    return this.state.grants.hidden;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** May speak to the client; the JoinResponse has to be on its way before. */
  connectMedia(): void {
    this.#connectTimer = setTimeout(() => {
      this.#mediaFailed('no media connection in time');
    }, this.#context.timing.mediaConnectMs);
    this.#media.start().catch((error: unknown) => this.#mediaFailed(messageOf(error)));
  }

  /** Its signalling connection was lost. False: there is nothing to come back to, as its media has never connected. */
  awaitResume(giveUp: () => void): boolean {
    if (this.closed || !this.state.isActive) return false;
    this.link.detach();
    this.#media.suspended();
    this.#resumeTimer = setTimeout(giveUp, this.#context.timing.resumeMs);
    return true;
  }

  /** It is back: first this is said. False: too much has happened, it has to join anew. */
  resume(link: SignalLink, first: readonly SignalResponse['message'][]): boolean {
    if (this.closed || !this.link.attach(link, first)) return false;
    clearTimeout(this.#resumeTimer);
    this.#media.resumed().catch((error: unknown) => this.#mediaFailed(messageOf(error)));
    return true;
  }

  async offered(description: SessionDescription): Promise<void> {
    const { sdp, midToTrackId } = await this.#media.answer(description.sdp);
    if (this.closed) return;
    const answer = new SessionDescription({ type: 'answer', sdp, id: description.id, midToTrackId });
    this.link.send({ case: 'answer', value: answer });
    this.#media.answerSent();
    for (const publication of this.state.publications.values()) this.#announce(publication);
  }

  answered(description: SessionDescription): void {
    this.#media.setAnswer(description.sdp, description.id);
  }

  trickled(request: TrickleRequest): void {
    if (request.candidateInit === '') return;
    const json: unknown = JSON.parse(request.candidateInit);
    const candidate = typeof json === 'object' && json !== null && 'candidate' in json ? json.candidate : undefined;
    if (typeof candidate !== 'string' || candidate === '') return;
    const value = candidate.replace(/^(a=)?candidate:/, '');
    this.#media.addCandidate(request.target === SignalTarget.PUBLISHER ? 'publisher' : 'subscriber', value);
  }

  sendData(message: Buffer, reliable: boolean): void {
    if (!this.#media.sendData(message, reliable) && reliable)
      this.#observer.finished(this, DisconnectReason.STATE_MISMATCH, LeaveRequest_Action.RECONNECT);
  }

  unpublish(publication: Publication): void {
    if (!this.state.publications.delete(publication.sid)) return;
    const { track } = publication;
    this.#announced.delete(publication.sid);
    if (track === undefined && !publication.unsupported) return;
    this.state.changed();
    this.#observer.unpublished(this, publication);
    track?.close();
  }

  /** Tells the client why, then closes everything. Idempotent, bounded. */
  leave(reason: DisconnectReason, action: LeaveRequest_Action | undefined): Promise<void> {
    this.#closing ??= this.#close(reason, action);
    return this.#closing;
  }

  async #close(reason: DisconnectReason, action: LeaveRequest_Action | undefined): Promise<void> {
    clearTimeout(this.#connectTimer);
    clearTimeout(this.#resumeTimer);
    if (action !== undefined)
      this.link.send({
        case: 'leave',
        value: new LeaveRequest({ reason, action, canReconnect: action !== LeaveRequest_Action.DISCONNECT }),
      });
    this.link.end();
    this.state.left(reason);
    this.subscriptions.close();
    for (const publication of [...this.state.publications.values()]) this.unpublish(publication);
    await this.#media.close();
  }

  #claim(media: { kind: 'audio' | 'video'; mid: string; trackId: string }): Announcement | undefined {
    const all = [...this.state.publications.values()].filter(({ kind }) => kind === media.kind);
    const publication =
      all.find(({ info }) => info.mid === media.mid) ??
      all.find(({ cid, published }) => !published && cid === media.trackId) ??
      all.find(({ published }) => !published);
    if (publication === undefined) return undefined;
    return {
      codec: publication.announcedCodec,
      bind: (bound) => {
        if (publication.track !== undefined) return publication.track;
        const track = new UpTrack(bound, this.logger);
        publication.bound(track, bound);
        track.onDemand((highest) =>
          this.link.send({
            case: 'subscribedQualityUpdate',
            value: subscribedQualities(publication.sid, bound.codec.name, track.rids.length, highest),
          }),
        );
        return track;
      },
      unsupported: (media) => {
        if (!publication.unsupported)
          this.logger.warn({ track: publication.sid, codec: media.codec }, 'a track cannot be forwarded: its codec');
        publication.refused(media);
      },
    };
  }

  readonly #announced = new Set<string>();

  #announce(publication: Publication): void {
    if (!publication.published || this.#announced.has(publication.sid)) return;
    this.#announced.add(publication.sid);
    this.state.changed();
    this.#observer.published(this, publication);
  }

  #mediaEnded(mid: string): void {
    const publication = [...this.state.publications.values()].find(({ info }) => info.mid === mid);
    if (publication !== undefined) this.unpublish(publication);
  }

  #receiveData(label: string, message: Buffer): void {
    if (!this.state.grants.canPublishData || this.closed) return;
    let packet: DataPacket;
    try {
      packet = DataPacket.fromBinary(message);
    } catch {
      this.logger.info({ label, bytes: message.length }, 'a data message is not a data packet');
      return;
    }
    const reliable = label !== '_lossy';
    packet.kind = reliable ? DataPacket_Kind.RELIABLE : DataPacket_Kind.LOSSY;
    this.#observer.data(this, packet, reliable);
  }

  #subscriptionRefused(trackSid: string): void {
    this.subscriptions.dropped(trackSid);
    this.link.send({
      case: 'subscriptionResponse',
      value: new SubscriptionResponse({ trackSid, err: SubscriptionError.SE_CODEC_UNSUPPORTED }),
    });
  }

  #onMediaState({ primary }: { primary: boolean }, state: TransportState): void {
    this.logger.debug({ primary, state }, 'media connection');
    if (this.closed) return;
    if (state === 'failed') this.#mediaFailed(`the ${primary ? 'primary' : 'publisher'} connection failed`);
    if (state !== 'connected' || !primary) return;
    clearTimeout(this.#connectTimer);
    if (this.state.becameActive()) this.#observer.changed(this);
  }

  #mediaFailed(reason: string): void {
    if (this.closed) return;
    this.logger.info({ reason }, 'a participant lost its media connection');
    this.#observer.finished(this, DisconnectReason.MEDIA_FAILURE, LeaveRequest_Action.RECONNECT);
  }
}
