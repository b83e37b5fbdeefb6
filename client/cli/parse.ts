import { InvalidArgumentError } from 'commander';
import { ChannelProfile } from '../../gen/alirtc/v1/types.js';

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds from "90", "90s", "15m", "2h" or "7d". */
export function parseSeconds(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)([smhd]?)$/.exec(text);
  const factor = UNIT_SECONDS[match?.[2] === '' ? 's' : (match?.[2] ?? '')];
  if (match === null || factor === undefined || Number(match[1]) <= 0)
    throw new InvalidArgumentError('use a time like 90, 90s, 15m, 2h or 7d.');
  return Number(match[1]) * factor;
}

/** Whole seconds as above, or 0. */
export function parseSecondsOrNone(text: string): number {
  return /^0[smhd]?$/.test(text) ? 0 : Math.ceil(parseSeconds(text));
}

export function parseCount(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('use a whole number.');
  return Number(text);
}

const PROFILES: Readonly<Record<string, ChannelProfile>> = {
  communication: ChannelProfile.COMMUNICATION,
  live: ChannelProfile.INTERACTIVE_LIVE,
  'low-latency-live': ChannelProfile.INTERACTIVE_WITH_LOW_LATENCY_LIVE,
};

export function parseProfile(text: string): ChannelProfile {
  const profile = PROFILES[text];
  if (profile === undefined) throw new InvalidArgumentError(`use one of ${Object.keys(PROFILES).join(', ')}.`);
  return profile;
}

/** For options that may be given several times. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
