import { closeSync, readdirSync, readFileSync } from 'node:fs';
import { messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';

/** Of asm-generic/fcntl.h, as fdinfo shows it (proc(5)). */
const O_CLOEXEC = 0o2000000;
const STANDARD = 2;

/**
 * Closes what the process that started this one has left open by mistake, so that core processes do not get it, too. Node keeps only the first descriptors from its
 * children (uv_disable_stdio_inheritance stops at the first gap). To be called before anything else is opened.
 */
export function closeInheritedDescriptors(logger: Logger): number[] {
  const closed: number[] = [];
  try {
    for (const name of readdirSync('/proc/self/fd')) {
      const descriptor = Number(name);
      if (descriptor <= STANDARD || !isInheritable(descriptor)) continue;
      closeSync(descriptor);
      closed.push(descriptor);
    }
  } catch (error) {
    logger.warn({ reason: messageOf(error) }, 'descriptors of the parent process may be left open');
  }
  if (closed.length > 0) logger.info({ descriptors: closed }, 'closed what the parent process left open');
  return closed;
}

function isInheritable(descriptor: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1];
    return flags !== undefined && (parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch {
    // It was that of the listing, and is gone.
    return false;
  }
}
