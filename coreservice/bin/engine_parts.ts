import { FrameLanes } from '../../common/frame_lanes.js';
import type { Logger } from '../../common/logger.js';
import { AvAacEncoder } from '../codec/aac_encoder.js';
import { LibopusDecoder } from '../codec/opus_decoder.js';
import { LibopusEncoder } from '../codec/opus_encoder.js';
import { SwsPictureConverter } from '../codec/picture_converter.js';
import { SwResampler } from '../codec/resampler.js';
import { AvVideoDecoder } from '../codec/video_decoder.js';
import { X264Encoder } from '../codec/video_encoder.js';
import { systemClock } from '../engine/clock.js';
import type { CodecFactory, HostConnection } from '../engine/contracts.js';
import { cpuMeter } from '../engine/cpu_meter.js';
import { CoreEngine } from '../engine/core_engine.js';
import { exchangeOverHttp } from '../engine/token_exchange.js';
import { LiveKitRoom } from '../rtc/livekit_room.js';

/** The interface allows one or two channels everywhere. */
function monoOrStereo(channels: number): 1 | 2 {
  return channels === 2 ? 2 : 1;
}

const codecs: CodecFactory = {
  pictureConverter: () => new SwsPictureConverter(),
  videoEncoder: (settings) => new X264Encoder(settings),
  videoDecoder: (codec) => new AvVideoDecoder(codec),
  opusEncoder: (settings) => new LibopusEncoder(settings),
  opusDecoder: (channels) => new LibopusDecoder(channels),
  resampler: (from, to) =>
    new SwResampler({
      fromRate: from.sampleRate,
      fromChannels: monoOrStereo(from.channels),
      toRate: to.sampleRate,
      toChannels: monoOrStereo(to.channels),
    }),
  aacEncoder: ({ sampleRate, channels, bitrateKbps }) =>
    new AvAacEncoder({ sampleRate, channels: monoOrStereo(channels), bitrateKbps }),
};

/** The engine with its real parts. Everything that is slow to load hangs on this file. */
export function createEngine(connection: HostConnection, logger: Logger): CoreEngine {
  return new CoreEngine({
    connection,
    codecs,
    logger,
    clock: systemClock(),
    cpu: cpuMeter(),
    laneServer: (path) => new FrameLanes(path, logger),
    createRoom: (options) => new LiveKitRoom({ ...options, relayOnly: process.env['ALIRTC_RELAY_ONLY'] === '1' }),
    exchangeToken: exchangeOverHttp,
    defaultUrl: process.env['ALIRTC_CHANNEL_SERVER_URL'],
  });
}
