import {
  DisconnectReason,
  LeaveRequest_Action,
  ParticipantUpdate,
  Room as RoomInfo,
  TrackUnpublishedResponse,
} from '@livekit/protocol';
import type { DataPacket } from '@livekit/protocol';
import type { Logger } from '../../common/logger.js';
import { newSid } from './ids.js';
import { Participant } from './participant.js';
import type { JoinOptions, ParticipantContext, ParticipantObserver } from './participant.js';
import type { Grants } from './grants.js';
import type { Publication } from './publication.js';
import type { SignalLink } from './signal_link.js';
import { addressees, stampSender } from './data_routing.js';

/** One channel: who is in it, and what each of them is told. Ends with its last participant. */
export class Room implements ParticipantObserver {
  readonly name: string;
  readonly sid = newSid('RM');
  readonly #participants = new Map<string, Participant>();
  readonly #createdAtMs = Date.now();
  readonly #context: ParticipantContext;
  readonly #logger: Logger;
  readonly #onEmpty: (room: Room) => void;
  readonly #leaving = new Set<Promise<void>>();

  constructor(name: string, context: ParticipantContext, onEmpty: (room: Room) => void) {
    this.name = name;
    this.#onEmpty = onEmpty;
    this.#logger = context.logger.child({ room: name });
    this.#context = { ...context, logger: this.#logger };
  }

  get participants(): Iterable<Participant> {
    return this.#participants.values();
  }

  get size(): number {
    return this.#participants.size;
  }

  get(identity: string): Participant | undefined {
    return this.#participants.get(identity);
  }

  /** What somebody who comes back is told: everybody as they are now, itself included. */
  present(participant: Participant): ParticipantUpdate {
    const seen = [...this.#participants.values()].filter((other) => other === participant || !other.hidden);
    return new ParticipantUpdate({ participants: seen.map(({ state }) => state.info()) });
  }

  has(identity: string): boolean {
    return this.#participants.has(identity);
  }

  info(): RoomInfo {
    const visible = [...this.#participants.values()].filter((participant) => !participant.hidden);
    return new RoomInfo({
      sid: this.sid,
      name: this.name,
      creationTime: BigInt(Math.floor(this.#createdAtMs / 1000)),
      creationTimeMs: BigInt(this.#createdAtMs),
      maxParticipants: this.#context.limits.participantsPerRoom,
      numParticipants: visible.length,
      numPublishers: visible.filter(({ state }) => state.publications.size > 0).length,
    });
  }

  /** An earlier participant of the same identity has to go. welcome: sends the JoinResponse, which has to be the first message. */
  join(
    grants: Grants,
    link: SignalLink,
    options: JoinOptions,
    welcome: (participant: Participant, others: readonly Participant[]) => void,
  ): Participant {
    const earlier = this.#participants.get(grants.identity);
    if (earlier !== undefined)
      this.finished(earlier, DisconnectReason.DUPLICATE_IDENTITY, LeaveRequest_Action.DISCONNECT);
    const participant = new Participant(grants, link, options, this, this.#context);
    const others = [...this.#participants.values()].filter((other) => !other.hidden);
    this.#participants.set(grants.identity, participant);
    this.#logger.info(
      {
        participant: participant.sid,
        identity: grants.identity,
        hidden: participant.hidden,
        connections: options.connections,
      },
      'joined',
    );
    welcome(participant, others);
    this.changed(participant);
    participant.connectMedia();
    for (const other of this.#participants.values())
      for (const publication of other.state.publications.values())
        if (other !== participant && publication.published) participant.subscriptions.available(other, publication);
    return participant;
  }

  /** Tells everybody what is new of a participant; itself too, unless only others can have missed it. */
  changed(participant: Participant): void {
    const update = new ParticipantUpdate({ participants: [participant.state.info()] });
    for (const other of this.#participants.values())
      if (other === participant || !participant.hidden) other.link.send({ case: 'update', value: update });
  }

  published(participant: Participant, publication: Publication): void {
    this.changed(participant);
    for (const other of this.#participants.values())
      if (other !== participant) other.subscriptions.available(participant, publication);
  }

  unpublished(participant: Participant, publication: Publication): void {
    participant.link.send({
      case: 'trackUnpublished',
      value: new TrackUnpublishedResponse({ trackSid: publication.sid }),
    });
    if (this.#participants.get(participant.identity) === participant) this.changed(participant);
    for (const other of this.#participants.values()) other.subscriptions.withdrawn(publication.sid);
  }

  find(trackSid: string): { publisher: Participant; publication: Publication } | undefined {
    for (const publisher of this.#participants.values()) {
      const publication = publisher.state.publications.get(trackSid);
      if (publication?.published === true) return { publisher, publication };
    }
    return undefined;
  }

  data(sender: Participant, packet: DataPacket, reliable: boolean): void {
    const receivers = addressees(packet, sender, this.#participants.values());
    stampSender(packet, sender);
    const message = Buffer.from(packet.toBinary());
    for (const receiver of receivers) receiver.sendData(message, reliable);
  }

  finished(participant: Participant, reason: DisconnectReason, action: LeaveRequest_Action | undefined): void {
    if (this.#participants.get(participant.identity) !== participant) return;
    this.#participants.delete(participant.identity);
    this.#logger.info(
      { participant: participant.sid, identity: participant.identity, reason: DisconnectReason[reason] },
      'left',
    );
    const closing = participant.leave(reason, action);
    this.#leaving.add(closing);
    void closing.finally(() => this.#leaving.delete(closing));
    if (!participant.hidden) {
      const update = new ParticipantUpdate({ participants: [participant.state.info()] });
      for (const other of this.#participants.values()) other.link.send({ case: 'update', value: update });
    }
    if (this.#participants.size === 0) this.#onEmpty(this);
  }

  /** Everybody has to go; resolves when their connections are closed. */
  async close(reason: DisconnectReason): Promise<void> {
    for (const participant of [...this.#participants.values()])
      this.finished(participant, reason, LeaveRequest_Action.DISCONNECT);
    await Promise.allSettled([...this.#leaving]);
  }
}
