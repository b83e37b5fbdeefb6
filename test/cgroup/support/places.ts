import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const CACHE = path.join(PROJECT, '.cache', 'cgroup');

/** Debian's packages, taken apart: nothing of them is installed on this machine. */
export const PACKAGE_FOLDER = path.join(CACHE, 'packages');
export const KERNEL = path.join(CACHE, 'vmlinuz');
/** A block device in memory, to swap to. */
export const SWAP_MODULE = path.join(CACHE, 'brd.ko');
export const BUSYBOX = path.join(CACHE, 'busybox');
export const ROOT_FOLDER = path.join(CACHE, 'root');
export const ROOT_ARCHIVE = path.join(CACHE, 'root.cpio');
/** What a machine wrote on its two serial lines. */
export const consoleLogOf = (part: string): string => path.join(CACHE, `${part}.console.log`);
export const reportOf = (part: string): string => path.join(CACHE, `${part}.jsonl`);
