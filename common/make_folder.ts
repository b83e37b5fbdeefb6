import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes a folder and those above it that are missing, with that mode. Throws the system's error. What mkdirSync's own way does never ends where a folder that exists lets nothing be
 * made in it and says ENOENT (/proc, /sys): libuv then looks for a parent that is missing, for ever.
 */
export function makeFolder(folder: string, mode = 0o777): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return;
    const parent = path.dirname(folder);
    if (code !== 'ENOENT' || parent === folder || isThere(parent)) throw error;
    makeFolder(parent, mode);
    mkdirSync(folder, { mode });
  }
}

function isThere(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false }) !== undefined;
}
