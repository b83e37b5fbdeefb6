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
  get layersAlike(): boolean {
    const { layers } = this.#info;
    return (
      layers.length > 1 &&
      layers.every(({ width, height }) => width === layers[0]?.width && height === layers[0].height)
    );
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

  /**
   * A partial update: those not named stay. What it changes is applied step by step, as it is told: a server puts several changes of a participant into
   * one update, and who stopped publishing and then became audience is to be seen without tracks before it is not seen at all.
   */
  *update(infos: readonly ParticipantInfo[], localIdentity: string): Generator<ParticipantChange, void> {
    for (const info of infos) if (info.identity !== localIdentity) yield* this.#updateOne(info);
  }

  /** The whole list after a join or rejoin: those not named have left. */
  *replace(infos: readonly ParticipantInfo[], localIdentity: string): Generator<ParticipantChange, void> {
    const present = new Set(infos.map((info) => info.sid));
    for (const participant of [...this.byIdentity.values()])
      if (!present.has(participant.sid)) yield* this.#remove(participant);
    yield* this.update(infos, localIdentity);
  }

  *#updateOne(info: ParticipantInfo): Generator<ParticipantChange, void> {
    let known = this.byIdentity.get(info.identity);
    if (info.state === ParticipantInfo_State.DISCONNECTED) {
      // The end of an earlier stay of the same identity may come after its new beginning.
      if (known?.sid === info.sid) yield* this.#remove(known);
      return;
    }
    if (known !== undefined && known.sid !== info.sid) {
      yield* this.#remove(known);
      known = undefined;
    }
    if (known === undefined) {
      const participant = new Participant(info);
      this.byIdentity.set(info.identity, participant);
      yield* [{ kind: 'participant_joined' as const, participant }, ...this.#updateTracks(participant, info)];
      return;
    }
    if (info.version < known.version) return;
    const present = new Set(info.tracks.map((track) => track.sid));
    yield* this.#removeTracks(known, (publication) => !present.has(publication.sid));
    const changed = known.update(info) ? [{ kind: 'participant_changed' as const, participant: known }] : [];
    yield* [...changed, ...this.#updateTracks(known, info)];
  }

  /** Tracks that are new, and those that changed. */
  #updateTracks(participant: Participant, info: ParticipantInfo): ParticipantChange[] {
    const changes: ParticipantChange[] = [];
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
    return changes;
  }

  #removeTracks(participant: Participant, gone: (publication: Publication) => boolean): ParticipantChange[] {
    const publications = [...participant.publications.values()].filter(gone);
    for (const { sid } of publications) {
      participant.publications.delete(sid);
      this.#owners.delete(sid);
    }
    return publications.map((publication) => ({ kind: 'track_unpublished', participant, publication }));
  }

  #remove(participant: Participant): ParticipantChange[] {
    const tracks = this.#removeTracks(participant, () => true);
    this.byIdentity.delete(participant.identity);
    return [...tracks, { kind: 'participant_left', participant }];
  }
}
