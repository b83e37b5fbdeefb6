import type { ForwardCodec } from './codecs.js';
import type { DownTrack } from './down_track.js';
import type { MediaSection } from './sdp_write.js';

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

interface Slot {
  mid: string;
  kind: 'audio' | 'video';
  down: DownTrack | undefined;
  /** What the last offer said, for the answer to it. */
  offered: DownTrack | undefined;
  /** The codec of the last track: an m-line that carries nothing still names one. */
  codec: ForwardCodec;
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
    // A client that still knows the slot's last track would take the new one for it, so that the m-line is inactive in one offer first.
    const slot = this.#slots.find(
      (each) => each.kind === kind && each.down === undefined && each.offered === undefined,
    );
    if (slot !== undefined) {
      slot.down = down;
      slot.codec = OFFERED[codec.name];
      return true;
    }
    if (this.#slots.length >= this.#max) return false;
    this.#slots.push({
      mid: String(this.#slots.length + 1),
      kind,
      down,
      offered: undefined,
      codec: OFFERED[codec.name],
    });
    return true;
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
      return { ...section, direction: 'sendonly', sent: { streamId, trackId, ssrc, cname: streamId } };
    });
  }

  offered(): void {
    for (const slot of this.#slots) slot.offered = slot.down;
  }

  /** What the answered offer carried and is still there. */
  answered(): { mid: string; down: DownTrack }[] {
    return this.#slots.flatMap(({ mid, down, offered }) =>
      down !== undefined && down === offered ? [{ mid, down }] : [],
    );
  }
}
