/** The typed TypeScript client of alirtcd. docs/client.md shows how to use it. */
export { AlirtcClient } from './alirtc_client.js';
export type { ConnectOptions, CreateEngineOptions, GenerateTokenOptions } from './alirtc_client.js';
export { ADDRESS_VARIABLE, defaultAddress, grpcTarget } from './address.js';
export { Engine } from './engine.js';
export type { AudioFrameInput, AudioPush, VideoFrameInput, VideoPush } from './engine.js';
export type {
  Deadlines,
  ExternalAudioFormat,
  JoinChannelOptions,
  SendMediaExtensionMsgOptions,
  WaitOptions,
} from './engine_options.js';
export { EventStream } from './event_stream.js';
export type { AlirtcEvent, EventOf, EventType, EventValue, EventsOptions } from './event_stream.js';
export type { ListenerEvents } from './event_listeners.js';
export type * from './frames.js';
export { MessageStream } from './message_stream.js';
export { PictureStream } from './picture_stream.js';
export { PushStream } from './push_stream.js';
export type { PushResult } from './push_stream.js';
export { AlirtcStatusError } from './status_error.js';
export type { TlsOptions } from './tls.js';
export type { CallOptions } from './transport.js';
export { EndCause, EngineState } from '../gen/alirtc/v1/events.js';
export type { EngineSnapshot, RemoteUser } from '../gen/alirtc/v1/events.js';
export { VideoCodec } from '../gen/alirtc/v1/media.js';
export type {
  ConfigSetting,
  DrainResponse,
  EngineStatus,
  GetConfigResponse,
  GetLogsResponse,
  GetNodeStatusResponse,
  NodeLimits,
  NodeLoad,
  ProcessStatus,
} from '../gen/alirtc/v1/node.js';
export { TokenFormat } from '../gen/alirtc/v1/token.js';
export type { GenerateTokenResponse } from '../gen/alirtc/v1/token.js';
export * from '../gen/alirtc/v1/types.js';
