import { AudioQualityMode } from '../ipc/enums.js';

/** What a profile publishes (types.md, AudioQualityMode). Opus is always clocked at 48 kHz; its bit rate decides the bandwidth. */
export interface AudioProfile {
  channels: 1 | 2;
  bitrateKbps: number;
}

const PROFILES: ReadonlyMap<number, AudioProfile> = new Map([
  [AudioQualityMode.Low, { channels: 1, bitrateKbps: 12 }],
  [AudioQualityMode.Basic, { channels: 1, bitrateKbps: 24 }],
  [AudioQualityMode.High, { channels: 1, bitrateKbps: 64 }],
  [AudioQualityMode.StereoHigh, { channels: 2, bitrateKbps: 80 }],
  [AudioQualityMode.SuperHigh, { channels: 1, bitrateKbps: 96 }],
  [AudioQualityMode.StereoSuperHigh, { channels: 2, bitrateKbps: 128 }],
]);

export function audioProfile(mode: number): AudioProfile | undefined {
  return PROFILES.get(mode);
}
