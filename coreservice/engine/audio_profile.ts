import type { OpusBandwidthHz } from '../codec/types.js';
import { AudioQualityMode } from '../ipc/enums.js';

/**
 * What a profile publishes (types.md, AudioQualityMode). Opus is always clocked at 48 kHz (RFC 7587, section 4.1): a lower sample rate is the bandwidth that it
 * leaves room for, half of it, and nothing above is sent.
 */
export interface AudioProfile {
  sampleRate: 8000 | 16_000 | 48_000;
  channels: 1 | 2;
  bitrateKbps: number;
  bandwidthHz: OpusBandwidthHz;
}

const NARROW = { sampleRate: 8000, bandwidthHz: 4000 } as const;
const WIDE = { sampleRate: 16_000, bandwidthHz: 8000 } as const;
const FULL = { sampleRate: 48_000, bandwidthHz: 20_000 } as const;

const PROFILES: ReadonlyMap<number, AudioProfile> = new Map([
  [AudioQualityMode.Low, { ...NARROW, channels: 1, bitrateKbps: 12 }],
  [AudioQualityMode.Basic, { ...WIDE, channels: 1, bitrateKbps: 24 }],
  [AudioQualityMode.High, { ...FULL, channels: 1, bitrateKbps: 64 }],
  [AudioQualityMode.StereoHigh, { ...FULL, channels: 2, bitrateKbps: 80 }],
  [AudioQualityMode.SuperHigh, { ...FULL, channels: 1, bitrateKbps: 96 }],
  [AudioQualityMode.StereoSuperHigh, { ...FULL, channels: 2, bitrateKbps: 128 }],
]);

export function audioProfile(mode: number): AudioProfile | undefined {
  return PROFILES.get(mode);
}

/** Of an engine that was told none. */
export const DEFAULT_AUDIO_PROFILE: AudioProfile = { ...WIDE, channels: 1, bitrateKbps: 24 };
