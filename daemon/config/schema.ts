import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { isLoopbackHost, parseHttpAddress } from '../http/http_address.js';
import type { HttpAddress } from '../http/http_address.js';
import { RESTART_LIMITS } from '../engine/core_restart_policy.js';
import { parseListenAddress } from './listen_address.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where things lie when nobody says otherwise. `here` is the folder of the running file. */
export interface Defaults {
  environment: Environment;
  here: string;
}

/** The folder of what outlives the daemon. */
function stateRoot(environment: Environment): string {
  const home = environment['HOME'] ?? os.homedir();
  return path.join(environment['XDG_STATE_HOME'] ?? path.join(home, '.local', 'state'), 'alirtcd');
}

const Port = z.coerce.number().int().min(1).max(65_535);
const Address = z.string().transform((text, context) => {
  try {
    return parseListenAddress(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});
/** One or several, also as one text with commas between them. */
const ServerUrls = z.preprocess(
  (value) =>
    (Array.isArray(value) ? (value as unknown[]) : [value]).flatMap((one) =>
      typeof one === 'string' ? one.split(',') : [one],
    ),
  z.array(z.url({ protocol: /^wss?$/, error: 'has to be ws:// or wss:// of a LiveKit server' })),
);
const AbsolutePath = z.string().refine((text) => path.isAbsolute(text), 'has to be an absolute path');

const HttpListen = z.string().transform((text, context) => {
  if (text === 'off') return text;
  try {
    return parseHttpAddress(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});
/** YAML knows true and false; flags and the environment know words. */
const Switch = z.union(
  [z.boolean(), z.enum(['on', 'true', 'off', 'false']).transform((word) => word === 'on' || word === 'true')],
  'has to be on or off',
);
const HostName = z.string().regex(/^[A-Za-z0-9._:-]{1,255}$/, 'has to be a host name or an address, without a port');

/** Every setting of the daemon, under its name in the file; the flag is --name, the environment variable ALIRTCD_NAME. */
export function configSchema({ environment, here }: Defaults) {
  const state = stateRoot(environment);
  const socketFolder = environment['XDG_RUNTIME_DIR'] ?? state;
  const defaultListen = [`unix:${path.join(socketFolder, 'alirtcd.sock')}`, 'tcp:127.0.0.1:7420'];
  return z
    .strictObject({
      listen: z.array(Address).min(1).prefault(defaultListen),
      keys: AbsolutePath.optional(),
      'core-port-low': Port.default(42_000),
      'core-port-high': Port.default(45_000),
      'core-service': z.array(AbsolutePath).default([]),
      'log-root': AbsolutePath.default(path.join(state, 'log')),
      'log-level': z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
      'channel-server-url': ServerUrls.prefault([]),
      'channel-server-allowed': ServerUrls.prefault([]),
      'channel-server-relay-only': Switch.default(false),
      'max-engines': z.coerce.number().int().min(1).max(10_000).default(64),
      'event-ring': z.coerce.number().int().min(16).max(1_000_000).default(4096),
      'event-ring-bytes': z.coerce.number().int().min(65_536).max(1_000_000_000).default(8_000_000),
      'http-listen': HttpListen.optional(),
      'http-remote': Switch.default(false),
      'http-host': z.array(HostName).default([]),
      console: z.enum(['off', 'read', 'control']).default('read'),
      'console-tokens': Switch.default(false),
      'core-restart': z.enum(['never', 'on-crash']).default('on-crash'),
      'core-restart-delay-ms': z.coerce.number().int().min(0).max(RESTART_LIMITS.delayMs).default(100),
      'core-restart-delay-max-ms': z.coerce.number().int().min(0).max(RESTART_LIMITS.maxDelayMs).default(10_000),
      'core-restart-attempts': z.coerce.number().int().min(1).max(RESTART_LIMITS.attempts).default(5),
      'core-restart-window-seconds': z.coerce.number().int().min(1).max(RESTART_LIMITS.windowSeconds).default(60),
      'core-heartbeat-ms': z.coerce.number().int().min(0).max(3_600_000).default(5_000),
      'core-heartbeat-limit-ms': z.coerce.number().int().min(500).max(3_600_000).default(10_000),
      'builtin-core-service': AbsolutePath.default(path.join(here, 'AliRtcCoreService')),
      'builtin-channel-server': AbsolutePath.default(path.join(here, 'alirtc-channelserver')),
    })
    .refine((config) => config['core-port-low'] <= config['core-port-high'], {
      path: ['core-port-high'],
      message: 'lies below core-port-low',
    })
    .refine(({ 'http-listen': http, 'http-remote': remote }) => remote || isLocalHttp(http), {
      path: ['http-listen'],
      message:
        'only loopback addresses: the console has no login and no TLS. Put a TLS proxy with a login in front of it, or say http-remote: true',
    });
}

function isLocalHttp(http: 'off' | HttpAddress | undefined): boolean {
  return http === undefined || http === 'off' || isLoopbackHost(http.host);
}

export type Config = z.output<ReturnType<typeof configSchema>>;
export type SettingName = keyof Config;

/** Names of earlier versions. */
export const ALIASES: Readonly<Record<string, SettingName>> = { 'channel-server': 'channel-server-url' };

/** For --help; the order is that of the list. */
export const SETTINGS: Readonly<Record<SettingName, { argument: string; text: string; isList?: true }>> = {
  listen: {
    argument: '<address>',
    isList: true,
    text: 'unix:/path or tcp:127.0.0.1:port, repeatable; default: alirtcd.sock in $XDG_RUNTIME_DIR (else ~/.local/state/alirtcd), and tcp:127.0.0.1:7420',
  },
  keys: {
    argument: '<file>',
    text: 'app ids and app keys, YAML "appid: appkey", readable by its owner only; default: a random pair in memory',
  },
  'core-port-low': { argument: '<port>', text: 'lowest port between daemon and core services (42000)' },
  'core-port-high': { argument: '<port>', text: 'highest port between daemon and core services (45000)' },
  'core-service': {
    argument: '<path>',
    isList: true,
    text: 'a further core service that clients may name, repeatable',
  },
  'log-root': { argument: '<folder>', text: "where the engines' log folders lie (~/.local/state/alirtcd/log)" },
  'log-level': { argument: '<level>', text: 'fatal, error, warn, info, debug, trace, silent (info)' },
  'channel-server-url': {
    argument: '<url>',
    isList: true,
    text: 'ws:// or wss:// of a LiveKit server, repeatable: of one cluster, in the order to try; default: an embedded channel server is started',
  },
  'channel-server-allowed': {
    argument: '<url>',
    isList: true,
    text: 'a further LiveKit server that clients may name for an engine, repeatable',
  },
  'max-engines': { argument: '<number>', text: 'engines at the same time (64)' },
  'event-ring': { argument: '<number>', text: 'events kept for each engine (4096)' },
  'event-ring-bytes': { argument: '<number>', text: 'bytes of events kept for each engine (8000000)' },
  'http-listen': {
    argument: '<address>',
    text: 'host:port of the HTTP server with the console, or "off" (127.0.0.1:7421, or a free port when that is taken)',
  },
  'http-remote': { argument: '<on|off>', text: 'http-listen may be reached from other machines, without TLS (off)' },
  'http-host': {
    argument: '<name>',
    isList: true,
    text: 'a further host name under which the HTTP server answers, repeatable',
  },
  console: { argument: '<off|read|control>', text: 'whether there is a console, and what its viewers may do (read)' },
  'console-tokens': {
    argument: '<on|off>',
    text: 'the console gives out channel tokens, to join beside the bots (off)',
  },
  'core-restart': {
    argument: '<never|on-crash>',
    text: 'what happens when a core process dies or hangs: the engine ends with it, or another one takes its place and joins again (on-crash)',
  },
  'core-restart-delay-ms': {
    argument: '<ms>',
    text: 'before the first restart; doubled for each further one within the window (100)',
  },
  'core-restart-delay-max-ms': { argument: '<ms>', text: 'the longest wait before a restart (10000)' },
  'core-restart-attempts': {
    argument: '<number>',
    text: 'restarts of one engine within the window; one more death ends it (5)',
  },
  'core-restart-window-seconds': { argument: '<seconds>', text: 'the window in which restarts are counted (60)' },
  'core-heartbeat-ms': { argument: '<ms>', text: 'how often a core is asked whether it hangs; 0: never (5000)' },
  'core-heartbeat-limit-ms': { argument: '<ms>', text: 'a core that does not answer for that long hangs (10000)' },
  'builtin-core-service': { argument: '<path>', text: 'the core service "builtin" (beside this program)' },
  'channel-server-relay-only': {
    argument: '<on|off>',
    text: "media goes by way of the LiveKit server's TURN servers only (off)",
  },
  'builtin-channel-server': { argument: '<path>', text: 'the embedded channel server (beside this program)' },
};
