/**
 * What the daemon's HTTP API answers and the console reads: types only, so that both ends are checked against the same page. Enumerations are the names of
 * the contract without their prefix ("JOINED", "SUBSCRIBED"). Times are Unix times in milliseconds.
 */

/** GET /api/v1/node. */
export interface NodeView {
  version: string;
  hostName: string;
  processId: number;
  startedAtMs: number;
  /** Where LiveKit clients connect; empty: nowhere yet. */
  channelServerUrl: string;
  /** True: the daemon started the channel server. */
  channelServerEmbedded: boolean;
  maxEngines: number;
  /** What a viewer may do. */
  access: 'read' | 'control';
  /** True: the operator lets the page have channel tokens. */
  tokens: boolean;
}

/** Figures of one moment; rates are of the time since the sample before. */
export interface Sample {
  timeMs: number;
  residentBytes: number;
  /** Per cent of one CPU core. */
  cpuPercent: number;
  sentKbps: number;
  receivedKbps: number;
  /** Pictures a second that the core decoded, all users together. */
  receivedFps: number;
  sentFps: number;
  /** Of received packets. */
  lossPercent: number;
  /** Frames to the engine's clients. */
  deliveredPerSecond: number;
  droppedPerSecond: number;
}

export interface NodeSample {
  timeMs: number;
  daemonBytes: number;
  daemonCpuPercent: number;
  /** 0: it is not ours. */
  channelServerBytes: number;
  channelServerCpuPercent: number;
  coresBytes: number;
  coresCpuPercent: number;
}

export interface VideoFigures {
  width: number;
  height: number;
  fps: number;
  kbps: number;
  lossPercent: number;
  frozenTimes: number;
  delayMs: number;
}

export interface AudioFigures {
  kbps: number;
  lossPercent: number;
  delayMs: number;
}

/** Somebody else in an engine's channel. */
export interface UserView {
  uid: string;
  hasAudio: boolean;
  hasCamera: boolean;
  hasScreen: boolean;
  /** SubscribeState. */
  audio: string;
  camera: string;
  screen: string;
  /** VideoStreamType. */
  streamType: string;
  audioFigures?: AudioFigures;
  cameraFigures?: VideoFigures;
  screenFigures?: VideoFigures;
}

/** What the engine sends. */
export interface PublishedView {
  kind: 'camera' | 'dual' | 'screen' | 'audio';
  /** PublishState. */
  state: string;
  fps: number;
  kbps: number;
}

/** An open frame stream between the daemon and a client. */
export interface ClientStreamView {
  kind: string;
  /** Empty: everybody. */
  uids: string[];
  queued: number;
  delivered: number;
  dropped: number;
}

/** One element of GET /api/v1/engines. */
export interface EngineView {
  engineId: string;
  /** EngineState. */
  state: string;
  channel: string;
  userId: string;
  role: string;
  connection: string;
  coreProcessId: number;
  createdAtMs: number;
  published: PublishedView[];
  users: UserView[];
  clients: ClientStreamView[];
  /** Frames to clients since the engine began, closed streams included. */
  delivered: number;
  dropped: number;
  roundTripMs: number;
  lossPercent: number;
  sample: Sample;
  /** Of an engine that is over. */
  ended?: { cause: string; detail: string };
}

/** A callback of an engine. */
export interface EventView {
  engineId: string;
  /** The engine's own number, from 1, without gaps. */
  sequence: number;
  timeMs: number;
  /** "onError", "engineStateChanged": the callback's name. */
  name: string;
  /** Its fields; long texts are shortened. */
  data: Record<string, unknown>;
}

/** GET /api/v1/engines/:id/history: the last five minutes, oldest first. */
export interface HistoryView {
  engineId: string;
  intervalMs: number;
  samples: Sample[];
}

/** The first message of GET /api/v1/stream. */
export interface FeedSnapshot {
  node: NodeView;
  sample: NodeSample;
  engines: EngineView[];
  /** The newest, oldest first; statistics are left out. */
  events: EventView[];
}

/** The messages of GET /api/v1/stream by their SSE event name. */
export interface FeedMessages {
  snapshot: FeedSnapshot;
  /** An engine is new or has changed. */
  engine: EngineView;
  /** An engine is gone from the list. */
  gone: { engineId: string };
  event: EventView;
  sample: NodeSample;
  /** The daemon ends the stream, and why. */
  bye: { reason: string; message: string };
}

/** Every answer that is no success. */
export interface ApiErrorBody {
  error: { class: string; reason: string; message: string; field?: string; remedy?: string };
}

/** POST /api/v1/tokens. */
export interface TokenRequest {
  channel: string;
  userId: string;
  userName?: string;
}

export interface TokenAnswer {
  /** A LiveKit access token; it lets its holder into this channel as this user, for a short time. */
  token: string;
  url: string;
  expiresAtMs: number;
}

/** The header without which no request that changes something is taken: a page from elsewhere cannot send it. */
export const CONSOLE_HEADER = 'x-alirtc-console';
