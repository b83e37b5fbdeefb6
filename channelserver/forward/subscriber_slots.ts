import type { ForwardCodec } from './codecs.js';
import type { DownTrack } from './down_track.js';
import type { MediaSection } from '../../webrtc/sdp/write_sdp.js';

/** One payload type for each codec on all m-lines of a bundle (RFC 8843, 9.1). */
const OFFERED: Readonly<Record<ForwardCodec['name'], ForwardCodec>> = {
  opus: { name: 'opus', payloadType: 111, clockRate: 48_000, fmtp: 'minptime=10;useinbandfec=1;stereo=1' },
  VP8: { name: 'VP8', payloadType: 96, clockRate: 90_000, fmtp: '' },
  H264: {
    name: 'H264',
    payloadType: 125,
    clockRate: 90_000,
    fmtp: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
  },
};

/** Tracks that an m-line remembers; those before have long ended. */
const MAX_REMEMBERED = 32;

interface Slot {
  mid: string;
  kind: 'audio' | 'video';
  down: DownTrack | undefined;
  /** What the last offer said, for the answer to it. */
  offered: DownTrack | undefined;
  /** The codec of the last track: an m-line that carries nothing still names one. */
  codec: ForwardCodec;
  /** Ids of the tracks that it had. */
  carried: Set<string>;
}

/** The m-lines of a subscriber connection: an m-line whose track ended is used again by the next one of its kind, and never removed. */
export class SubscriberSlots {
  readonly #slots: Slot[] = [];
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  take(down: DownTrack): boolean {
    const { kind, codec } = down.source;
    // Only an m-line that was inactive in an answered offer: else a client takes the new track for the one that it still knows.
    const free = this.#slots.filter(
      (each) => each.kind === kind && each.down === undefined && each.offered === undefined,
    );
    // Native clients do not notice a track that returns to an m-line where it was before, so that is the last resort.
    const slot = free.find(({ carried }) => !carried.has(down.trackId)) ?? this.#newSlot(kind, codec.name) ?? free[0];
    if (slot === undefined) return false;
    slot.down = down;
    slot.codec = OFFERED[codec.name];
    slot.carried.add(down.trackId);
    if (slot.carried.size > MAX_REMEMBERED) slot.carried.delete(slot.carried.values().next().value ?? '');
    return true;
  }

  #newSlot(kind: Slot['kind'], codec: ForwardCodec['name']): Slot | undefined {
    if (this.#slots.length >= this.#max) return undefined;
    const mid = String(this.#slots.length + 1);
    const slot: Slot = { mid, kind, down: undefined, offered: undefined, codec: OFFERED[codec], carried: new Set() };
    this.#slots.push(slot);
    return slot;
  }

  free(down: DownTrack): boolean {
    const slot = this.#slots.find((each) => each.down === down);
    if (slot === undefined) return false;
    slot.down = undefined;
    return true;
  }

  /** For the next offer, in the order of the m-lines. */
  sections(): MediaSection[] {
    return this.#slots.map(({ mid, kind, down, codec }) => {
      const section: MediaSection = { kind, mid, direction: 'inactive', codecs: [codec], extensions: [] };
      if (down === undefined) return section;
      const { streamId, trackId, ssrc } = down;
      return { ...section, direction: 'sendonly', sent: { streamId, trackId, cname: streamId, ssrcs: [ssrc] } };
    });
  }

  offered(): void {
    for (const slot of this.#slots) slot.offered = slot.down;
  }

  /** For the log. */
  summary(): string[] {
    return this.#slots.map(({ mid, kind, down }) => `${mid} ${kind} ${down?.trackId ?? 'inactive'}`);
  }

  /** What the answered offer carried and is still there. */
  answered(): { mid: string; down: DownTrack }[] {
    return this.#slots.flatMap(({ mid, down, offered }) =>
      down !== undefined && down === offered ? [{ mid, down }] : [],
    );
  }
}
