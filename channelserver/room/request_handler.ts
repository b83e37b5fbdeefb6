import {
  DisconnectReason,
  LeaveRequest_Action,
  Pong,
  RequestResponse,
  RequestResponse_Reason,
  TrackPublishedResponse,
} from '@livekit/protocol';
import type {
  AddTrackRequest,
  MuteTrackRequest,
  SignalRequest,
  SyncState,
  UpdateParticipantMetadata,
} from '@livekit/protocol';
import type { Limits } from '../limits.js';
import { mayPublish } from './grants.js';
import type { Participant } from './participant.js';
import { Publication } from './publication.js';
import type { Room } from './room.js';

type RefusedRequest =
  | { case: 'addTrack'; value: AddTrackRequest }
  | { case: 'mute'; value: MuteTrackRequest }
  | { case: 'updateMetadata'; value: UpdateParticipantMetadata };

/** What each signalling request of a participant does. An error thrown here ends the participant. */
export class RequestHandler {
  readonly #room: Room;
  readonly #participant: Participant;
  readonly #limits: Limits;

  constructor(room: Room, participant: Participant, limits: Limits) {
    this.#room = room;
    this.#participant = participant;
    this.#limits = limits;
  }

  async handle(request: SignalRequest): Promise<void> {
    const { message } = request;
    const participant = this.#participant;
    participant.logger.debug({ request: message.case }, 'request');
    switch (message.case) {
      case 'offer':
        return participant.offered(message.value);
      case 'answer':
        return participant.answered(message.value);
      case 'trickle':
        return participant.trickled(message.value);
      case 'addTrack':
        return this.#addTrack(message.value);
      case 'mute':
        return this.#mute(message.value);
      case 'subscription': {
        const sids = [
          ...message.value.trackSids,
          ...message.value.participantTracks.flatMap((tracks) => tracks.trackSids),
        ];
        for (const sid of sids) participant.subscriptions.request(sid, message.value.subscribe, this.#room.find(sid));
        return;
      }
      case 'syncState':
        return this.#sync(message.value);
      case 'trackSetting':
        return participant.subscriptions.settings(message.value);
      case 'updateMetadata':
        return this.#updateMetadata(message.value);
      case 'updateVideoTrack': {
        const publication = participant.state.publications.get(message.value.trackSid);
        publication?.setSize(message.value.width, message.value.height);
        return this.#changed();
      }
      case 'leave':
        return this.#room.finished(participant, DisconnectReason.CLIENT_INITIATED, undefined);
      case 'ping':
        return participant.link.send({ case: 'pong', value: message.value });
      case 'pingReq':
        return participant.link.send({
          case: 'pongResp',
          value: new Pong({ lastPingTimestamp: message.value.timestamp, timestamp: BigInt(Date.now()) }),
        });
      default:
        // subscriptionPermission, data tracks and what newer clients know: nothing depends on them here.
        participant.logger.debug({ request: message.case }, 'the request needs nothing');
    }
  }

  /** What a client that came back has: its wishes count, and with a track that we do not have it has to join anew. */
  #sync({ subscription, publishTracks }: SyncState): void {
    const { subscriptions, state } = this.#participant;
    for (const sid of subscription?.trackSids ?? [])
      subscriptions.request(sid, subscription?.subscribe ?? false, this.#room.find(sid));
    if (publishTracks.every(({ track }) => track === undefined || state.publications.has(track.sid))) return;
    this.#room.finished(this.#participant, DisconnectReason.STATE_MISMATCH, LeaveRequest_Action.RECONNECT);
  }

  #addTrack(request: AddTrackRequest): void {
    const { state, link } = this.#participant;
    if (!mayPublish(state.grants, request.source)) {
      this.#refuse(
        { case: 'addTrack', value: request },
        0,
        RequestResponse_Reason.NOT_ALLOWED,
        'may not publish this source',
      );
      return;
    }
    const known = [...state.publications.values()].find(({ cid }) => cid === request.cid);
    if (known === undefined && state.publications.size >= this.#limits.tracksPerParticipant) {
      const text = `at most ${this.#limits.tracksPerParticipant} tracks of one participant`;
      this.#refuse({ case: 'addTrack', value: request }, 0, RequestResponse_Reason.LIMIT_EXCEEDED, text);
      return;
    }
    const publication = known ?? new Publication(request);
    state.publications.set(publication.sid, publication);
    link.send({
      case: 'trackPublished',
      value: new TrackPublishedResponse({ cid: request.cid, track: publication.info.clone() }),
    });
  }

  #mute(request: MuteTrackRequest): void {
    const publication = this.#participant.state.publications.get(request.sid);
    if (publication === undefined) {
      this.#refuse({ case: 'mute', value: request }, 0, RequestResponse_Reason.NOT_FOUND, 'no such track');
      return;
    }
    if (publication.setMuted(request.muted)) this.#changed();
  }

  #updateMetadata(request: UpdateParticipantMetadata): void {
    const { state, link } = this.#participant;
    const refused = { case: 'updateMetadata', value: request } as const;
    if (!state.grants.canUpdateOwnMetadata) {
      this.#refuse(
        refused,
        request.requestId,
        RequestResponse_Reason.NOT_ALLOWED,
        'does not have permission to update own metadata',
      );
      return;
    }
    if (state.sizeAfter(request) > this.#limits.metadataBytes) {
      const text = `name, metadata and attributes have at most ${this.#limits.metadataBytes} bytes`;
      this.#refuse(refused, request.requestId, RequestResponse_Reason.LIMIT_EXCEEDED, text);
      return;
    }
    state.update(request);
    this.#room.changed(this.#participant);
    if (request.requestId !== 0)
      link.send({
        case: 'requestResponse',
        value: new RequestResponse({
          requestId: request.requestId,
          reason: RequestResponse_Reason.OK,
          request: refused,
        }),
      });
  }

  #changed(): void {
    this.#participant.state.changed();
    this.#room.changed(this.#participant);
  }

  #refuse(request: RefusedRequest, requestId: number, reason: RequestResponse_Reason, message: string): void {
    this.#participant.logger.info({ request: request.case, reason: message }, 'a request was refused');
    this.#participant.link.send({
      case: 'requestResponse',
      value: new RequestResponse({ requestId, reason, message, request }),
    });
  }
}
