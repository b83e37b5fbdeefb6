import { DEFAULT_LIMITS } from './limits.js';
import type { Limits } from './limits.js';

export const USAGE = `alirtc-channelserver --keys <file> [--host 127.0.0.1] [--port 0] [--limit name=number]...
                     [--no-single-connection] [--exit-with-stdin]
--no-single-connection: /rtc/v1 answers 404, clients fall back to two connections on /rtc
limits: ${Object.entries(DEFAULT_LIMITS)
  .map(([name, value]) => `${name}=${value}`)
  .join(' ')}
`;

/** "name=number" each. Throws an Error that says what is allowed. */
export function parseLimits(settings: readonly string[]): Limits {
  const limits = { ...DEFAULT_LIMITS };
  for (const setting of settings) {
    const [name = '', text = ''] = setting.split('=', 2);
    const value = Number(text);
    if (!isLimit(name)) throw new Error(`no limit "${name}"; there are ${Object.keys(DEFAULT_LIMITS).join(', ')}`);
    if (!Number.isInteger(value) || value < 1) throw new Error(`limit ${name} is a whole number of at least 1`);
    limits[name] = value;
  }
  return limits;
}

function isLimit(name: string): name is keyof Limits {
  return Object.hasOwn(DEFAULT_LIMITS, name);
}
