import { openSync, writeSync } from 'node:fs';

export const PROGRESS_BYTES = 8;

/** The index of the case that runs, in a file: it is still there when the process is not. */
export class Progress {
  readonly #fd: number;
  readonly #bytes = Buffer.alloc(PROGRESS_BYTES);

  constructor(file: string) {
    this.#fd = openSync(file, 'w');
  }

  set(index: number): void {
    this.#bytes.writeBigUInt64LE(BigInt(index));
    writeSync(this.#fd, this.#bytes, 0, PROGRESS_BYTES, 0);
  }
}
