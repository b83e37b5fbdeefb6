/**
 * Pictures between processes of one machine without a socket: a ring of slots in an unlinked file of shared memory. The writer keeps the only name of it, its own
 * descriptor; who may look into the writer's process (the same user, the same PID namespace) reads it by /proc/<pid>/fd/<fd>. Nothing is left when the writer ends.
 *
 * A slot is 8 bytes of generation (little-endian, 0: being written) and the picture. The writer invalidates the generation, writes the picture, then the new
 * generation; the reader reads the picture, then the generation: when it is still the one that it was told, the picture is whole. A slot lives until the writer has
 * gone once around; who comes later gets undefined, and counts the picture as dropped.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync, writevSync } from 'node:fs';
import { randomBytes, randomInt } from 'node:crypto';

const FOLDER = '/dev/shm';
const HEADER_BYTES = 8;
/** A fifth of a second at 30 a second. */
export const PICTURE_RING_SLOTS = 6;
/** Pictures begin at pages, so that the kernel copies whole ones; their generation is the end of the page before. */
const PAGE_BYTES = 4096;
/**
 * Of all rings of this process together: the next ring's file may get the descriptor number of one that was closed, and a reader that still has the old file open
 * must not find the new generation in it. From a random number on, so that no picture's own bytes look like one.
 */
let lastGeneration = randomInt(2 ** 40, 2 ** 47);

/** Where a picture lies. */
export interface PictureReference {
  /** /proc/<pid>/fd/<fd> of the writer. */
  path: string;
  /** Of the slot. */
  offset: number;
  /** Of the picture, in bytes. */
  length: number;
  generation: number;
}

export class PictureRingWriter {
  readonly #slots: number;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #fd = -1;
  #slotBytes = 0;
  #next = 0;

  /** A slow reader may be that many pictures behind: more cost the processor's cache (5 slots instead of 12: 2 % of a core's CPU at 720p30). */
  constructor(slots = PICTURE_RING_SLOTS) {
    this.#slots = slots;
  }

  /** The pieces one after the other. Undefined when the machine has no shared memory for it: then the picture has to go another way. */
  write(...pieces: readonly Uint8Array[]): PictureReference | undefined {
    let length = 0;
    for (const piece of pieces) length += piece.length;
    if (length > this.#slotBytes - PAGE_BYTES && !this.#grow(length)) return undefined;
    const offset = this.#next * this.#slotBytes + PAGE_BYTES - HEADER_BYTES;
    this.#next = (this.#next + 1) % this.#slots;
    const generation = ++lastGeneration;
    try {
      // One call writes in this order: who reads while it does finds the generation gone.
      this.#header.fill(0);
      this.#writeAll([this.#header, ...pieces], HEADER_BYTES + length, offset);
      this.#header.writeBigUInt64LE(BigInt(generation));
      writeSync(this.#fd, this.#header, 0, HEADER_BYTES, offset);
    } catch {
      this.close();
      return undefined;
    }
    return { path: `/proc/${process.pid}/fd/${this.#fd}`, offset, length, generation };
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
    this.#slotBytes = 0;
  }

  #writeAll(pieces: readonly Uint8Array[], length: number, offset: number): void {
    let done = writevSync(this.#fd, pieces, offset);
    // A signal may cut a write short.
    while (done < length) {
      let before = 0;
      for (const piece of pieces) {
        const skip = Math.max(0, done - before);
        if (skip < piece.length) done += writeSync(this.#fd, piece, skip, piece.length - skip, offset + before + skip);
        if (done < before + piece.length) break;
        before += piece.length;
      }
    }
  }

  /** A larger picture gets a new file: readers of the old one still have it open. */
  #grow(pictureBytes: number): boolean {
    this.close();
    const name = `${FOLDER}/alirtc-${process.pid}-${randomBytes(6).toString('hex')}`;
    try {
      this.#fd = openSync(name, 'wx+', 0o600);
      unlinkSync(name);
      this.#slotBytes = PAGE_BYTES + Math.ceil(pictureBytes / PAGE_BYTES) * PAGE_BYTES;
      ftruncateSync(this.#fd, this.#slotBytes * this.#slots);
      this.#next = 0;
      return true;
    } catch {
      this.close();
      return false;
    }
  }
}

/** Thrown when the file cannot be opened here: another user, another PID namespace, another machine. */
export class PictureRingUnreachable extends Error {
  override readonly name = 'PictureRingUnreachable';
}

export class PictureRingReader {
  /** A writer's descriptor number may be used again for another file: the inode tells. */
  readonly #files = new Map<string, { fd: number; inode: number }>();
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #reached = false;

  /**
   * The picture, in a buffer of its own or at `into`; undefined when it was overwritten, or its ring closed, before it could be read. Throws
   * PictureRingUnreachable while no ring could ever be opened.
   */
  read(reference: PictureReference, into: Buffer = Buffer.allocUnsafe(reference.length)): Buffer | undefined {
    const { path, offset, length, generation } = reference;
    for (let attempt = 0; attempt < 2; attempt++) {
      const fd = this.#open(path);
      if (fd === undefined) return undefined;
      if (this.#readAt(fd, into, length, offset + HEADER_BYTES) && this.#readAt(fd, this.#header, HEADER_BYTES, offset))
        if (this.#header.readBigUInt64LE() === BigInt(generation)) return into.subarray(0, length);
      // The writer may have made a larger file under the same descriptor number; the one that is open here is the old one.
      if (!this.#forget(path)) return undefined;
    }
    return undefined;
  }

  close(): void {
    for (const { fd } of this.#files.values()) closeSync(fd);
    this.#files.clear();
  }

  #readAt(fd: number, into: Buffer, length: number, position: number): boolean {
    for (let done = 0; done < length;) {
      const count = readSync(fd, into, done, length - done, position + done);
      if (count === 0) return false;
      done += count;
    }
    return true;
  }

  #open(path: string): number | undefined {
    const known = this.#files.get(path);
    if (known !== undefined) return known.fd;
    try {
      const fd = openSync(path, 'r');
      this.#files.set(path, { fd, inode: fstatSync(fd).ino });
      this.#reached = true;
      return fd;
    } catch (error) {
      // A track that ended took its ring along; the others are still there.
      if (this.#reached) return undefined;
      throw new PictureRingUnreachable(`cannot read ${path}`, { cause: error });
    }
  }

  /** Closes what is open under this path when another file is there now. */
  #forget(path: string): boolean {
    const known = this.#files.get(path);
    if (known === undefined) return false;
    this.#files.delete(path);
    closeSync(known.fd);
    const fd = this.#open(path);
    const now = this.#files.get(path);
    return now !== undefined && now.fd === fd && now.inode !== known.inode;
  }
}
