/** What the engine is given. Each part is replaced by a small scripted one in unit tests. */
import type { FrameLanes } from '../../common/frame_lanes.js';
import type { Logger } from '../../common/logger.js';
import type { CallbackFields, CallbackName } from '../ipc/callbacks.js';
import type { Room, RoomOptions } from '../rtc/types.js';
import type {
  AacEncoder,
  OpusDecoder,
  OpusEncoder,
  OpusEncoderSettings,
  PictureConverter,
  Resampler,
  VideoCodecName,
  VideoDecoder,
  VideoEncoder,
  VideoEncoderSettings,
} from '../codec/types.js';
import type { AudioShape } from '../ipc/extension.js';
import type { EngineClock } from './clock.js';
import type { CpuUsage } from './cpu_meter.js';
import type { TokenExchange } from './token_exchange.js';

/** The one connection to the host, as far as the engine writes to it. */
export interface HostConnection {
  notify<N extends CallbackName>(name: N, fields: CallbackFields<N>, payload?: Buffer): void;
  /** Bytes written that the socket has not taken yet. */
  readonly writableLength: number;
}

export interface CodecFactory {
  pictureConverter(): PictureConverter;
  videoEncoder(settings: VideoEncoderSettings): VideoEncoder;
  videoDecoder(codec: VideoCodecName): VideoDecoder;
  opusEncoder(settings: OpusEncoderSettings): OpusEncoder;
  opusDecoder(channels: 1 | 2): OpusDecoder;
  resampler(from: AudioShape, to: AudioShape): Resampler;
  aacEncoder(settings: AudioShape & { bitrateKbps: number }): AacEncoder;
}

/** The socket of picture lanes. */
export type LaneServer = Pick<FrameLanes, 'start' | 'offer' | 'close'>;

export interface EngineParts {
  connection: HostConnection;
  createRoom(options: RoomOptions): Room;
  codecs: CodecFactory;
  exchangeToken: TokenExchange;
  clock: EngineClock;
  logger: Logger;
  cpu: () => CpuUsage;
  laneServer(path: string): LaneServer;
  /** ALIRTC_CHANNEL_SERVER_URL: where to join for hosts that are not ours. */
  defaultUrl: string | undefined;
}
