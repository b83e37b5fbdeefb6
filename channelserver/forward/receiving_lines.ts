import type { ForwardCodec } from './codecs.js';
import { forwardable } from './codecs.js';
import type { DownTrack } from './down_track.js';
import type { SdpMedia } from '../../webrtc/sdp/description.js';
import type { MediaSection } from '../../webrtc/sdp/write_sdp.js';
import { usedExtensions } from './used_extensions.js';

type Kind = 'audio' | 'video';

/** Tracks that an m-line remembers; those before have long ended. */
const MAX_REMEMBERED = 32;

interface Line {
  kind: Kind;
  down: DownTrack | undefined;
  codec: ForwardCodec | undefined;
  /** What the last answer said: a client takes a new track for the one that it knows, until an answer had the m-line inactive. */
  answered: DownTrack | undefined;
  /** Ids of the tracks that it had. */
  carried: Set<string>;
}

/**
 * The m-lines on which the client of a single connection receives. It offers them; tracks take those that are free, in their order, and wait for more where
 * there are none.
 */
export class ReceivingLines {
  /** By mid. */
  readonly #lines = new Map<string, Line>();
  readonly #waiting = new Set<DownTrack>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** False: there are too many. */
  add(down: DownTrack): boolean {
    if (this.#waiting.size + this.#taken() >= this.#max) return false;
    this.#waiting.add(down);
    return true;
  }

  /** True when the client has to hear of it. */
  remove(down: DownTrack): boolean {
    this.#waiting.delete(down);
    const line = [...this.#lines.values()].find((each) => each.down === down);
    if (line === undefined) return false;
    line.down = undefined;
    return line.answered === down;
  }

  /** What the client offers now: gives each waiting track its m-line, and returns the tracks whose codec the client does not have. */
  offered(media: readonly SdpMedia[]): DownTrack[] {
    this.#update(media);
    const refused: DownTrack[] = [];
    for (const down of [...this.#waiting]) {
      const free = this.#free(down.source.kind);
      const fitting = free.flatMap(([mid, line]) => {
        const codecs = forwardable(line.kind, media.find((each) => each.mid === mid)?.codecs ?? []);
        const codec = codecs.find(({ name }) => name === down.source.codec.name);
        return codec === undefined ? [] : [{ line, codec }];
      });
      // Native clients do not notice a track that returns to an m-line where it was before, so that is the last resort.
      const fresh = fitting.find(({ line }) => !line.carried.has(down.trackId));
      const chosen = fresh ?? (this.#lines.size >= this.#max ? fitting[0] : undefined);
      if (chosen !== undefined) this.#take(down, chosen);
      else if (free.length > 0 && fitting.length === 0) refused.push(down);
    }
    for (const down of refused) this.#waiting.delete(down);
    return refused;
  }

  #take(down: DownTrack, { line, codec }: { line: Line; codec: ForwardCodec }): void {
    this.#waiting.delete(down);
    line.down = down;
    line.codec = codec;
    line.carried.add(down.trackId);
    if (line.carried.size > MAX_REMEMBERED) line.carried.delete(line.carried.values().next().value ?? '');
    down.accept(codec.payloadType);
  }

  /** An m-line that came, or went: a client may stop one, or send on it. */
  #update(media: readonly SdpMedia[]): void {
    for (const { mid, kind } of media)
      if ((kind === 'audio' || kind === 'video') && !this.#lines.has(mid))
        this.#lines.set(mid, { kind, down: undefined, codec: undefined, answered: undefined, carried: new Set() });
    for (const [mid, { down }] of [...this.#lines]) {
      if (media.some((each) => each.mid === mid)) continue;
      this.#lines.delete(mid);
      if (down !== undefined) this.#waiting.add(down);
    }
  }

  /** Our side of an m-line that offered() has seen. */
  section(media: SdpMedia): MediaSection {
    const { kind, mid, codecs } = media;
    const line = this.#lines.get(mid);
    const idle = forwardable(kind as Kind, codecs).slice(0, 1);
    const section: MediaSection = {
      kind: kind as Kind,
      mid,
      direction: 'inactive',
      codecs: idle,
      // Chromium's next offers have only extensions that an answer of the connection had: RIDs for one, which simulcast needs.
      extensions: usedExtensions(media),
    };
    if (line?.down === undefined || line.codec === undefined) return section;
    const { streamId, trackId, ssrc } = line.down;
    return {
      ...section,
      direction: 'sendonly',
      codecs: [line.codec],
      sent: { streamId, trackId, cname: streamId, ssrcs: [ssrc] },
    };
  }

  /** The answer is with the client. */
  answered(): void {
    for (const line of this.#lines.values()) line.answered = line.down;
  }

  /** m-lines that the client has to offer more, so that every waiting track has one. */
  missing(): { audios: number; videos: number } {
    return { audios: this.#missing('audio'), videos: this.#missing('video') };
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** mid to track id: clients whose m-lines have tracks with names of their own find ours by it. */
  trackIds(): Record<string, string> {
    return Object.fromEntries(
      [...this.#lines].flatMap(([mid, { down }]) => (down === undefined ? [] : [[mid, down.trackId]])),
    );
  }

  #missing(kind: Kind): number {
    const free = this.#free(kind).map(([, line]) => line);
    let missing = 0;
    for (const down of this.#waiting) {
      if (down.source.kind !== kind) continue;
      const at = free.findIndex((line) => !line.carried.has(down.trackId));
      if (at >= 0) free.splice(at, 1);
      else missing += 1;
    }
    return Math.min(missing, Math.max(0, this.#max - this.#lines.size));
  }

  #free(kind: Kind): [string, Line][] {
    return [...this.#lines].filter(
      ([, line]) => line.kind === kind && line.down === undefined && line.answered === undefined,
    );
  }

  #taken(): number {
    return [...this.#lines.values()].filter(({ down }) => down !== undefined).length;
  }
}
