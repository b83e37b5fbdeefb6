import {
  ParticipantInfo_State,
  TrackSource as WireSource,
  TrackType,
  type ParticipantInfo,
  type TrackInfo,
} from '@livekit/protocol';
import type { RemoteParticipant, RemotePublication, RemoteTrack, TrackSource } from '../types.js';

const SOURCES: Readonly<Record<WireSource, TrackSource>> = {
  [WireSource.UNKNOWN]: 'unknown',
  [WireSource.CAMERA]: 'camera',
  [WireSource.MICROPHONE]: 'microphone',
  [WireSource.SCREEN_SHARE]: 'screen',
  [WireSource.SCREEN_SHARE_AUDIO]: 'screen_audio',
};

export class Publication implements RemotePublication {
  readonly sid: string;
  track: RemoteTrack | undefined;
  #info: TrackInfo;

  constructor(info: TrackInfo) {
    this.sid = info.sid;
    this.#info = info;
  }

  get kind(): 'audio' | 'video' {
    return this.#info.type === TrackType.AUDIO ? 'audio' : 'video';
  }
  get source(): TrackSource {
    return SOURCES[this.#info.source] ?? 'unknown';
  }
  get muted(): boolean {
    return this.#info.muted;
  }
  get mimeType(): string {
    return this.#info.mimeType;
  }
  get simulcast(): boolean {
    return this.#info.simulcast;
  }
  get width(): number {
    return this.#info.width;
  }
  get height(): number {
    return this.#info.height;
  }

  /** True when the mute state changed. */
  update(info: TrackInfo): boolean {
    const wasMuted = this.#info.muted;
    this.#info = info;
    return wasMuted !== info.muted;
  }
}

export class Participant implements RemoteParticipant {
  readonly sid: string;
  readonly identity: string;
  readonly publications = new Map<string, Publication>();
  #info: ParticipantInfo;

  constructor(info: ParticipantInfo) {
    this.sid = info.sid;
    this.identity = info.identity;
    this.#info = info;
  }

  get name(): string {
    return this.#info.name;
  }
  get attributes(): Readonly<Record<string, string>> {
    return this.#info.attributes;
  }
  /** A server that says nothing of permissions has none to withhold. */
  get canPublish(): boolean {
    return this.#info.permission?.canPublish ?? true;
  }
  get hidden(): boolean {
    return this.#info.permission?.hidden ?? false;
  }
  get version(): number {
    return this.#info.version;
  }

  /** True when what the interface shows of the participant itself changed. */
  update(info: ParticipantInfo): boolean {
    const before = fingerprint(this);
    this.#info = info;
    return before !== fingerprint(this);
  }
}

function fingerprint({ name, attributes, canPublish, hidden }: Participant): string {
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([name, sorted, canPublish, hidden]);
}

/** What changed, in the order in which it is to be told. */
export type ParticipantChange =
  | { kind: 'participant_joined' | 'participant_left' | 'participant_changed'; participant: Participant }
  | {
      kind: 'track_published' | 'track_unpublished' | 'track_muted';
      participant: Participant;
      publication: Publication;
    };

/** The other participants of a room by identity, and what an update of the server changes in them. */
export class RemoteParticipants {
  readonly byIdentity = new Map<string, Participant>();
  /** Order of joining is kept: a server may list a joiner before and after the ones who were there. */
  readonly #owners = new Map<string, Participant>();

  findTrack(trackSid: string): { participant: Participant; publication: Publication } | undefined {
    const participant = this.#owners.get(trackSid);
    const publication = participant?.publications.get(trackSid);
    return participant === undefined || publication === undefined ? undefined : { participant, publication };
  }

  /** A partial update: those not named stay. */
  update(infos: readonly ParticipantInfo[], localIdentity: string): ParticipantChange[] {
    const changes: ParticipantChange[] = [];
    for (const info of infos) if (info.identity !== localIdentity) this.#updateOne(info, changes);
    return changes;
  }

  /** The whole list after a join or rejoin: those not named have left. */
  replace(infos: readonly ParticipantInfo[], localIdentity: string): ParticipantChange[] {
    const changes: ParticipantChange[] = [];
    const present = new Set(infos.map((info) => info.sid));
    for (const participant of [...this.byIdentity.values()])
      if (!present.has(participant.sid)) this.#remove(participant, changes);
    return [...changes, ...this.update(infos, localIdentity)];
  }

  clear(): ParticipantChange[] {
    return this.replace([], '');
  }

  #updateOne(info: ParticipantInfo, changes: ParticipantChange[]): void {
    let known = this.byIdentity.get(info.identity);
    if (info.state === ParticipantInfo_State.DISCONNECTED) {
      // The end of an earlier stay of the same identity may come after its new beginning.
      if (known?.sid === info.sid) this.#remove(known, changes);
      return;
    }
    if (known !== undefined && known.sid !== info.sid) {
      this.#remove(known, changes);
      known = undefined;
    }
    if (known === undefined) {
      const participant = new Participant(info);
      this.byIdentity.set(info.identity, participant);
      changes.push({ kind: 'participant_joined', participant });
      this.#updateTracks(participant, info, changes);
      return;
    }
    if (info.version < known.version) return;
    if (known.update(info)) changes.push({ kind: 'participant_changed', participant: known });
    this.#updateTracks(known, info, changes);
  }

  #updateTracks(participant: Participant, info: ParticipantInfo, changes: ParticipantChange[]): void {
    const present = new Set(info.tracks.map((track) => track.sid));
    for (const publication of [...participant.publications.values()])
      if (!present.has(publication.sid)) this.#removeTrack(participant, publication, changes);
    for (const track of info.tracks) {
      if (track.type === TrackType.DATA) continue;
      const known = participant.publications.get(track.sid);
      if (known === undefined) {
        const publication = new Publication(track);
        participant.publications.set(track.sid, publication);
        this.#owners.set(track.sid, participant);
        changes.push({ kind: 'track_published', participant, publication });
      } else if (known.update(track)) changes.push({ kind: 'track_muted', participant, publication: known });
    }
  }

  #removeTrack(participant: Participant, publication: Publication, changes: ParticipantChange[]): void {
    participant.publications.delete(publication.sid);
    this.#owners.delete(publication.sid);
    changes.push({ kind: 'track_unpublished', participant, publication });
  }

  #remove(participant: Participant, changes: ParticipantChange[]): void {
    for (const publication of [...participant.publications.values()])
      this.#removeTrack(participant, publication, changes);
    this.byIdentity.delete(participant.identity);
    changes.push({ kind: 'participant_left', participant });
  }
}
