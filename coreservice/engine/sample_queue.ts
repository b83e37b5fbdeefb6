/** A queue of interleaved samples: pieces of any length in, pieces of any other length out, without moving what stays. */
export class SampleQueue {
  #pieces: Int16Array[] = [];
  #offset = 0;
  #length = 0;

  /** All channels together. */
  get length(): number {
    return this.#length;
  }

  push(samples: Int16Array): void {
    if (samples.length === 0) return;
    this.#pieces.push(samples);
    this.#length += samples.length;
  }

  /** Takes as many as there are, at most what fits; gives how many. The rest of `into` stays as it is. */
  take(into: Int16Array): number {
    let filled = 0;
    while (filled < into.length) {
      const piece = this.#pieces[0];
      if (piece === undefined) break;
      const part = piece.subarray(this.#offset, this.#offset + into.length - filled);
      into.set(part, filled);
      filled += part.length;
      this.#offset += part.length;
      if (this.#offset === piece.length) {
        this.#pieces.shift();
        this.#offset = 0;
      }
    }
    this.#length -= filled;
    return filled;
  }

  clear(): void {
    this.#pieces = [];
    this.#offset = 0;
    this.#length = 0;
  }
}
