const NO_BYTES = Buffer.alloc(0);
const LENGTH_BYTES = 4;

/**
 * Messages out of the bytes of a frame lane (media.proto, FrameLane): 4 bytes of length, big-endian, and the message. A message is copied once, from the chunk to a
 * buffer of its own: the chunk's memory is used for every read of the socket.
 */
export class LaneReader {
  readonly #maxBytes: number;
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  #lengthHave = 0;
  #chunk: Buffer = NO_BYTES;
  #offset = 0;
  #message: Buffer | undefined;
  #have = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Call it when next() has answered undefined to the chunk before. The chunk may be used again after that. */
  feed(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /** The next whole message of what was fed, or undefined when more is needed. Throws RangeError for one that is longer than is taken; the reader is useless then. */
  next(): Buffer | undefined {
    if (this.#message === undefined) {
      const length = this.#readLength();
      if (length === undefined) return undefined;
      this.#message = Buffer.allocUnsafe(length);
      this.#have = 0;
    }
    return this.#fill(this.#message);
  }

  #readLength(): number | undefined {
    const take = Math.min(LENGTH_BYTES - this.#lengthHave, this.#chunk.byteLength - this.#offset);
    this.#chunk.copy(this.#length, this.#lengthHave, this.#offset, this.#offset + take);
    this.#offset += take;
    this.#lengthHave += take;
    if (this.#lengthHave < LENGTH_BYTES) return undefined;
    this.#lengthHave = 0;
    const length = this.#length.readUInt32BE(0);
    if (length > this.#maxBytes) throw new RangeError(`a message of ${length} bytes, at most ${this.#maxBytes}`);
    return length;
  }

  #fill(message: Buffer): Buffer | undefined {
    const take = Math.min(message.byteLength - this.#have, this.#chunk.byteLength - this.#offset);
    this.#chunk.copy(message, this.#have, this.#offset, this.#offset + take);
    this.#offset += take;
    this.#have += take;
    if (this.#have < message.byteLength) return undefined;
    this.#message = undefined;
    return message;
  }
}
