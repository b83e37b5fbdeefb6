import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { PICTURE_RING_SLOTS } from '../../../common/picture_ring.js';
import { ok, warning } from './check.js';
import type { Check, Finding } from './check.js';

export interface SharedMemoryFacts {
  folder: string;
  /** Undefined: there is no such folder. */
  freeBytes?: number;
  writable: boolean;
}

const FOLDER = '/dev/shm';
/** A ring of pictures of 1280x720 (docs/boundary.md). */
const RING_BYTES = PICTURE_RING_SLOTS * 1.4e6;
const ENOUGH_RINGS = 8;

export const sharedMemory: Check = {
  name: 'shared memory',
  run: async () => {
    const found = await statfs(FOLDER).catch(() => undefined);
    const writable = await access(FOLDER, constants.W_OK).then(
      () => true,
      () => false,
    );
    const free = found === undefined ? {} : { freeBytes: found.bavail * found.bsize };
    return judgeSharedMemory({ folder: FOLDER, ...free, writable });
  },
};

export function judgeSharedMemory({ folder, freeBytes, writable }: SharedMemoryFacts): Finding[] {
  const slower = 'decoded pictures go through sockets instead, at up to twice the CPU';
  if (freeBytes === undefined || !writable)
    return [
      warning(`${folder} cannot be written: ${slower}`, `mount a tmpfs at ${folder} that the daemon's user may write`),
    ];
  const rings = Math.floor(freeBytes / RING_BYTES);
  const text = `${Math.round(freeBytes / 1e6)} MB free in ${folder}, for raw pictures of about ${rings} senders at 720p`;
  if (rings >= ENOUGH_RINGS) return [ok(text)];
  return [
    warning(
      `${text}; beyond that ${slower}`,
      'give more: --shm-size=1g of containers, emptyDir medium Memory of pods, or mount -o remount,size=1g',
    ),
  ];
}
