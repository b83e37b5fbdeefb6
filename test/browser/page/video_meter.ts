import type { RemoteVideoTrack } from 'livekit-client';
import { readPictureNumber } from '../../support/media/numbered_picture.js';
import type { PageVideo } from './protocol.js';

/** Pictures are read from a canvas of this size: enough for their number, and cheap. */
const WIDTH = 160;
const HEIGHT = 90;
const FIELDS = 8;
/** Mean difference of luma from which two pictures count as different. */
const DIFFERENT = 0.05;

/** Reads every picture that the element shows from a canvas, and counts what it says. */
export class VideoMeter {
  readonly #canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  readonly #context: OffscreenCanvasRenderingContext2D;
  readonly #luma = new Uint8Array(WIDTH * HEIGHT);
  readonly #counts = { pictures: 0, readable: 0, outOfOrder: 0, changed: 0 };
  #lastNumber = -1;
  #drawnAny = false;
  #stopped = false;

  constructor(
    readonly sid: string,
    readonly source: string,
    private readonly track: RemoteVideoTrack,
    readonly element: HTMLVideoElement,
    private readonly onFirstPicture: () => void,
  ) {
    const context = this.#canvas.getContext('2d', { willReadFrequently: true });
    if (context === null) throw new Error('no canvas');
    this.#context = context;
    this.#next();
  }

  #next(): void {
    this.element.requestVideoFrameCallback(() => {
      if (this.#stopped) return;
      this.#read();
      this.#next();
    });
  }

  #read(): void {
    const { data } = this.#draw();
    const luma = this.#luma;
    let difference = 0;
    for (let i = 0; i < luma.length; i++) {
      const at = i * 4;
      // BT.601, as good as needed.
      const value = 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0);
      difference += Math.abs(value - (luma[i] ?? 0));
      luma[i] = value;
    }
    const counts = this.#counts;
    counts.pictures++;
    if (this.#drawnAny && difference / luma.length > DIFFERENT) counts.changed++;
    if (!this.#drawnAny) this.onFirstPicture();
    this.#drawnAny = true;
    const number = readPictureNumber(luma, WIDTH, HEIGHT);
    if (number === undefined) return;
    counts.readable++;
    if (number <= this.#lastNumber && this.#lastNumber - number < 32_768) counts.outOfOrder++;
    this.#lastNumber = number;
  }

  #draw(): ImageData {
    this.#context.drawImage(this.element, 0, 0, WIDTH, HEIGHT);
    return this.#context.getImageData(0, 0, WIDTH, HEIGHT);
  }

  async take(): Promise<PageVideo> {
    const { sid, source, element } = this;
    const report = {
      sid,
      source,
      framesDecoded: await this.#framesDecoded(),
      width: element.videoWidth,
      height: element.videoHeight,
      ...this.#counts,
      lastNumber: this.#lastNumber,
      thumbnail: this.#thumbnail(),
    };
    Object.assign(this.#counts, { pictures: 0, readable: 0, outOfOrder: 0, changed: 0 });
    return report;
  }

  async #framesDecoded(): Promise<number> {
    let frames = 0;
    (await this.track.getRTCStatsReport())?.forEach((stats: { type: string; framesDecoded?: number }) => {
      if (stats.type === 'inbound-rtp') frames = stats.framesDecoded ?? 0;
    });
    return frames;
  }

  #thumbnail(): number[] {
    const sums = new Array<number>(FIELDS * FIELDS).fill(0);
    const counts = new Array<number>(FIELDS * FIELDS).fill(0);
    this.#luma.forEach((value, i) => {
      const column = Math.floor(((i % WIDTH) * FIELDS) / WIDTH);
      const field = Math.floor((Math.floor(i / WIDTH) * FIELDS) / HEIGHT) * FIELDS + column;
      sums[field] = (sums[field] ?? 0) + value;
      counts[field] = (counts[field] ?? 0) + 1;
    });
    return sums.map((sum, field) => Math.round(sum / (counts[field] ?? 1)));
  }

  stop(): void {
    this.#stopped = true;
  }
}
