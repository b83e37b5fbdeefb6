import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { failure, info, ok, warning } from './check.js';
import type { Check, Finding } from './check.js';

export interface ClockFacts {
  /** By NTP; undefined: nobody tells. */
  synchronized?: boolean;
  /** How far the clocks of channel servers are ahead of ours. */
  skews: readonly { url: string; skewMs: number }[];
}

const TIMEOUT_MS = 2_000;
const SKEW_MS = 5_000;
/** What systemd-timesyncd leaves when it has set the clock. */
const TIMESYNC_FILE = '/run/systemd/timesync/synchronized';

export const clock: Check = {
  name: 'clock',
  run: async ({ servers }) => {
    const [synchronized, probes] = await Promise.all([isSynchronized(), servers()]);
    const skews = probes.flatMap(({ url, skewMs }) => (skewMs === undefined ? [] : [{ url, skewMs }]));
    return judgeClock({ ...(synchronized === undefined ? {} : { synchronized }), skews });
  },
};

async function isSynchronized(): Promise<boolean | undefined> {
  const said = await new Promise<string>((resolve) =>
    execFile('timedatectl', ['show', '--property=NTPSynchronized', '--value'], { timeout: TIMEOUT_MS }, (error, out) =>
      resolve(error === null ? out.trim() : ''),
    ),
  );
  if (said === 'yes' || said === 'no') return said === 'yes';
  return existsSync(TIMESYNC_FILE) ? true : undefined;
}

export function judgeClock({ synchronized, skews }: ClockFacts): Finding[] {
  const findings = skews.map(({ url, skewMs }) => {
    const seconds = Math.abs(skewMs) / 1000;
    if (Math.abs(skewMs) <= SKEW_MS) return ok(`agrees with that of ${url}`);
    return failure(
      `this clock is ${seconds.toFixed(0)} s ${skewMs > 0 ? 'behind' : 'ahead of'} that of ${url}: tokens are refused as expired or not yet valid`,
      'set both by NTP: timedatectl set-ntp true, or chrony',
    );
  });
  if (synchronized === true) return [ok('set by NTP'), ...findings];
  if (synchronized === undefined) return [info('whether NTP sets the clock cannot be told here'), ...findings];
  return [
    warning(
      'NTP does not set the clock: it will drift, and tokens are valid for a time',
      'timedatectl set-ntp true, or chrony',
    ),
    ...findings,
  ];
}
