import { connect, type Socket } from 'node:net';
import { PictureRingReader, PictureRingUnreachable, type PictureReference } from '../../../common/picture_ring.js';
import { OnRemoteVideoSampleResponse } from '../../../gen/alirtc/v1/media.js';
import { eventually } from '../../support/eventually.js';
import { readPictureNumber } from '../../support/media/numbered_picture.js';

export interface LanePicture {
  message: OnRemoteVideoSampleResponse;
  /** What is drawn into it; undefined: it could not be read. */
  number: number | undefined;
}

/** The client's end of a picture lane, by hand. */
export class LaneClient implements Disposable {
  readonly pictures: LanePicture[] = [];
  hasEnded = false;
  readonly #socket: Socket;
  readonly #ring = new PictureRingReader();
  #rest: Buffer = Buffer.alloc(0);

  constructor(path: string, secret: Buffer) {
    const socket = (this.#socket = connect(path));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.hasEnded = true));
    socket.write(secret);
  }

  /** Bytes of a message that was not whole. */
  get rest(): number {
    return this.#rest.length;
  }

  read(): this {
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    return this;
  }

  async count(count: number): Promise<void> {
    await eventually(() =>
      this.pictures.length >= count ? undefined : `${this.pictures.length} of ${count} pictures`,
    );
  }

  async ended(): Promise<void> {
    await eventually(() => (this.hasEnded ? undefined : 'the lane has not ended'));
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
    this.#ring.close();
  }

  /** Undefined: it is there no more, perhaps for its process has ended. */
  #picture(reference: PictureReference): Buffer | undefined {
    try {
      return this.#ring.read(reference);
    } catch (error) {
      if (error instanceof PictureRingUnreachable) return undefined;
      throw error;
    }
  }

  #onData(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 4 && this.#rest.length >= 4 + this.#rest.readUInt32BE()) {
      const end = 4 + this.#rest.readUInt32BE();
      const message = OnRemoteVideoSampleResponse.decode(this.#rest.subarray(4, end));
      this.#rest = this.#rest.subarray(end);
      const { localFrame, width, height } = message;
      const data = localFrame === undefined ? Buffer.from(message.data) : this.#picture(localFrame);
      this.pictures.push({ message, number: data === undefined ? undefined : readPictureNumber(data, width, height) });
    }
  }
}
