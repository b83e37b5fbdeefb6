import type { Check } from '../support/row.js';
import type { Callback } from './callbacks.js';

/** Between the callback in the core and its time in the daemon's log, on a busy machine. */
const CLOCK_ERROR_MS = 200;

/** The elapsed time of each callback of a subject is the time since the one before, and its channel the one that was joined. */
export function checkStateTimes(check: Check, callbacks: readonly Callback[], subject: string, channel: string): void {
  let lastUs: number | undefined;
  for (const { line, event } of callbacks) {
    if (!line.startsWith(`${subject} `)) continue;
    const value = event.value as { elapseSinceLastStateMs: number; channel: string };
    check.equal(value.channel, channel, `channel of "${line}"`);
    const expectedMs = lastUs === undefined ? undefined : (event.timeUs - lastUs) / 1000;
    check.within(
      value.elapseSinceLastStateMs,
      expectedMs === undefined ? 0 : Math.max(0, expectedMs - CLOCK_ERROR_MS),
      expectedMs === undefined ? 60_000 : expectedMs + CLOCK_ERROR_MS,
      `elapsed of "${line}"`,
    );
    lastUs = event.timeUs;
  }
}
