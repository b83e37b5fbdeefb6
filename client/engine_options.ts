import type { AuthInfo, JoinChannelConfig } from '../gen/alirtc/v1/types.js';
import type { CallOptions } from './transport.js';

/** How long calls may take. */
export interface Deadlines {
  /** Calls that return at once; default 10 s. */
  callMs: number;
  /** Creating an engine: a process starts; default 30 s. */
  createMs: number;
  /** Calls that wait for the callback's outcome; default 20 s (a join is decided after 10 s at the latest). */
  outcomeMs: number;
  /** Release; default 20 s. */
  releaseMs: number;
}

export const DEFAULT_DEADLINES: Deadlines = { callMs: 10_000, createMs: 30_000, outcomeMs: 20_000, releaseMs: 20_000 };

/** Of calls that end in a callback. */
export interface WaitOptions extends CallOptions {
  /** True, the default: the promise resolves with the callback's outcome. False: it resolves when the call was accepted. */
  wait?: boolean | undefined;
}

/** Fields that may be left out, or be undefined. */
export type Fields<Message> = { [Name in keyof Message]?: Message[Name] | undefined };

export interface JoinChannelOptions {
  /** The token of generateToken, or a LiveKit token. This or authInfo. */
  token?: string | undefined;
  /** The multi-parameter join. */
  authInfo?: Fields<AuthInfo> | undefined;
  /** Of the token, or of authInfo when left out there. */
  channelId?: string | undefined;
  userId?: string | undefined;
  /** Display name, UTF-8, at most 64 bytes; default empty. */
  userName?: string | undefined;
  /** Defaults: INTERACTIVE_LIVE, NO_DELAY, publish and subscribe MANUALLY, H264, MIXED_PCM. */
  config?: Fields<JoinChannelConfig> | undefined;
}

export interface SendMediaExtensionMsgOptions {
  /** Copies sent, -1 for ever; default 1. */
  repeatCount?: number | undefined;
  /** Earliest after this time; default 0. */
  delayMs?: number | undefined;
  /** Only on key frames; default false. */
  isKeyFrame?: boolean | undefined;
}

export interface ExternalAudioFormat {
  sampleRateHz: number;
  channels: number;
}

/** Without the fields that are undefined: the generated messages take a field that is there for one that is set. */
export function given<Options extends object>(
  options: Options,
): { [Name in keyof Options]?: Exclude<Options[Name], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Options]?: Exclude<Options[Name], undefined> };
}
