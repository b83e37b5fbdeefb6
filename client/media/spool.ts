import { createReadStream, createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';

export interface SpoolRecord {
  kind: 'video' | 'audio';
  keyFrame: boolean;
  /** Video: microseconds; audio: samples. */
  time: number;
  data: Buffer;
}

/** 1 byte kind, 1 byte key frame, 8 bytes time (double), 4 bytes length; little-endian. */
const HEADER_BYTES = 14;
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/**
 * The samples of a recording as they come. An MP4's header needs to know its tracks, and whether there are pictures or sound at all is known only at the end.
 */
export class SpoolWriter {
  readonly #file: WriteStream;
  #error: Error | undefined;
  #bytes = 0;

  constructor(readonly path: string) {
    this.#file = createWriteStream(path, { flags: 'wx', highWaterMark: 1 << 20 });
    this.#file.on('error', (error) => (this.#error = error));
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves when more may be written. */
  async write(record: SpoolRecord): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header[0] = record.kind === 'video' ? 0 : 1;
    header[1] = record.keyFrame ? 1 : 0;
    header.writeDoubleLE(record.time, 2);
    header.writeUInt32LE(record.data.length, 10);
    this.#bytes += HEADER_BYTES + record.data.length;
    this.#file.write(header);
    if (!this.#file.write(record.data)) await once(this.#file, 'drain');
  }

  async end(): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    this.#file.end();
    await finished(this.#file);
  }
}

/** The records of a spool in their order. A record that is cut off at the end is left out. */
export async function* readSpool(path: string): AsyncGenerator<SpoolRecord, void> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    pending = pending.length === 0 ? (chunk as Buffer) : Buffer.concat([pending, chunk as Buffer]);
    let at = 0;
    while (pending.length - at >= HEADER_BYTES) {
      const length = pending.readUInt32LE(at + 10);
      if (length > MAX_RECORD_BYTES) throw new Error(`${path} is damaged: a record of ${length} bytes`);
      if (pending.length - at < HEADER_BYTES + length) break;
      yield {
        kind: pending[at] === 0 ? 'video' : 'audio',
        keyFrame: pending[at + 1] === 1,
        time: pending.readDoubleLE(at + 2),
        data: pending.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length),
      };
      at += HEADER_BYTES + length;
    }
    pending = pending.subarray(at);
  }
}
