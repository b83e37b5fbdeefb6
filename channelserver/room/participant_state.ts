import { DisconnectReason, ParticipantInfo, ParticipantInfo_State } from '@livekit/protocol';
import type { Grants } from './grants.js';
import { permissionOf } from './grants.js';
import { newSid } from './ids.js';
import type { Publication } from './publication.js';

/** What everybody may know of a participant; every change counts the version up. */
export class ParticipantState {
  readonly sid = newSid('PA');
  readonly grants: Grants;
  readonly publications = new Map<string, Publication>();
  readonly clientProtocol: number;
  readonly #joinedAtMs: number;
  #name: string;
  #metadata: string;
  #attributes: Record<string, string>;
  #state = ParticipantInfo_State.JOINED;
  #reason = DisconnectReason.UNKNOWN_REASON;
  #version = 1;

  constructor(grants: Grants, joinedAtMs: number, clientProtocol: number) {
    this.grants = grants;
    this.#joinedAtMs = joinedAtMs;
    this.clientProtocol = clientProtocol;
    this.#name = grants.name;
    this.#metadata = grants.metadata;
    this.#attributes = { ...grants.attributes };
  }

  get identity(): string {
    return this.grants.identity;
  }

  /** LiveKit's rule for attributes: those named change, an empty value removes one. Empty name or metadata mean "as before". */
  update(change: { name: string; metadata: string; attributes: Readonly<Record<string, string>> }): void {
    if (change.name !== '') this.#name = change.name;
    if (change.metadata !== '') this.#metadata = change.metadata;
    for (const [key, value] of Object.entries(change.attributes)) {
      if (value === '') Reflect.deleteProperty(this.#attributes, key);
      else this.#attributes[key] = value;
    }
    this.changed();
  }

  /** Bytes of name, metadata and attributes after an update. */
  sizeAfter(change: { name: string; metadata: string; attributes: Readonly<Record<string, string>> }): number {
    const attributes = { ...this.#attributes, ...change.attributes };
    const texts = [change.name || this.#name, change.metadata || this.#metadata, ...Object.entries(attributes).flat()];
    return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  }

  /** Its media has connected, and it is still there. */
  get isActive(): boolean {
    return this.#state === ParticipantInfo_State.ACTIVE;
  }

  becameActive(): boolean {
    if (this.#state !== ParticipantInfo_State.JOINED) return false;
    this.#state = ParticipantInfo_State.ACTIVE;
    this.changed();
    return true;
  }

  left(reason: DisconnectReason): void {
    this.#state = ParticipantInfo_State.DISCONNECTED;
    this.#reason = reason;
    this.changed();
  }

  changed(): void {
    this.#version += 1;
  }

  info(): ParticipantInfo {
    const tracks = [...this.publications.values()].filter((publication) => publication.published);
    return new ParticipantInfo({
      sid: this.sid,
      identity: this.identity,
      state: this.#state,
      name: this.#name,
      metadata: this.#metadata,
      attributes: { ...this.#attributes },
      joinedAt: BigInt(Math.floor(this.#joinedAtMs / 1000)),
      joinedAtMs: BigInt(Math.floor(this.#joinedAtMs)),
      version: this.#version,
      permission: permissionOf(this.grants),
      isPublisher: tracks.length > 0,
      tracks: tracks.map((publication) => publication.info.clone()),
      disconnectReason: this.#reason,
      clientProtocol: this.clientProtocol,
    });
  }
}
