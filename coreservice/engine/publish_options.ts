import type { PublishVideoOptions } from '../rtc/types.js';
import { bitrateRange, type EncoderConfiguration } from './encoder_configuration.js';

/** What the server is told of a screen whose size is that of the pictures to come. */
const UNKNOWN_SIZE = { width: 1280, height: 720 };

export function publishOptions(
  kind: 'camera' | 'screen',
  configuration: EncoderConfiguration,
  furtherLayers: PublishVideoOptions['layers'],
): PublishVideoOptions {
  const { width, height, frameRate, bitrateKbps } = configuration;
  const size = width === 0 ? UNKNOWN_SIZE : { width, height };
  const least = width === 0 ? bitrateRange(size.width, size.height, frameRate).least : 0;
  const layer = { quality: 'high' as const, ...size, bitrateKbps: Math.max(bitrateKbps, least) };
  return { source: kind, name: kind, layers: [layer, ...furtherLayers], frameRate };
}
