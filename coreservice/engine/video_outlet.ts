import type { LocalVideoTrack } from '../rtc/types.js';

export type Quality = 'high' | 'low';

/** Takes an access unit on its way out and may put SEI into it. */
export type Decorate = (accessUnit: Buffer, keyFrame: boolean, layer: Quality) => Buffer;

export interface OutgoingPicture {
  data: Buffer;
  keyFrame: boolean;
  captureTimeUs: number;
  quality: Quality;
}

/** The published track, as pictures leave by it: their times grow, others know their size, and layers that nobody wants are known. */
export class VideoOutlet {
  readonly #decorate: Decorate | undefined;
  #track: LocalVideoTrack | undefined;
  #wanted: ReadonlySet<Quality> = new Set(['high']);
  #lastCaptureUs = 0;
  /** What others know as the size of the track. */
  #toldSize = { width: 0, height: 0 };
  #sent = 0;

  constructor(decorate?: Decorate) {
    this.#decorate = decorate;
  }

  /** While published. */
  get track(): LocalVideoTrack | undefined {
    return this.#track;
  }

  /** Access units of the high layer, over all tracks. */
  get sent(): number {
    return this.#sent;
  }

  wants(quality: Quality): boolean {
    return this.#wanted.has(quality);
  }

  attach(track: LocalVideoTrack, { width, height }: { width: number; height: number }): void {
    this.#track = track;
    this.#wanted = new Set(['high', 'low']);
    this.#toldSize = { width, height };
  }

  detach(): void {
    const track = this.#track;
    this.#track = undefined;
    track?.removeAllListeners('key_frame_requested');
    track?.removeAllListeners('layers_wanted');
  }

  /** Gives the layers that are wanted now and were not before. */
  setWanted(qualities: ReadonlySet<Quality>): Quality[] {
    const added = [...qualities].filter((quality) => !this.#wanted.has(quality));
    this.#wanted = qualities;
    return added;
  }

  /** Receivers tell the layers of a dual stream by their size. */
  tellSize({ width, height }: { width: number; height: number }): void {
    if (width === this.#toldSize.width && height === this.#toldSize.height) return;
    this.#toldSize = { width, height };
    this.#track?.resize(width, height);
  }

  /** Microseconds since 1970: as wished, but later than that of the picture before; RTP time follows it. */
  captureTime(wishedUs: number): number {
    this.#lastCaptureUs = Math.max(wishedUs, this.#lastCaptureUs + 1);
    return this.#lastCaptureUs;
  }

  send({ data: accessUnit, keyFrame, captureTimeUs, quality }: OutgoingPicture): void {
    const data = this.#decorate?.(accessUnit, keyFrame, quality) ?? accessUnit;
    if (quality === 'high') this.#sent++;
    this.#track?.send(data, { captureTimeUs, keyFrame, quality });
  }
}
