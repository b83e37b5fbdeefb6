import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { isLoopbackHost, parseHttpAddress } from '../http/http_address.js';
import type { HttpAddress } from '../http/http_address.js';
import { RESTART_LIMITS } from '../engine/core_restart_policy.js';
import { parseListenAddress } from './listen_address.js';
import { callerFaults, listenFaults } from './listen_rules.js';

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

/** Flags and the environment know text only. */
const whole = (least: number, most: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^[+-]?[\d_]+$/.test(value) ? Number(value.replaceAll('_', '')) : value),
    z
      .number('has to be a whole number')
      .int('has to be a whole number')
      .min(least, `has to be at least ${least}`)
      .max(most, `has to be at most ${most}`),
  );
const Port = whole(1, 65_535);
const Text = z.string('has to be a text').min(1, 'is empty');
/** The flag is said once for each entry, the environment has commas between them. */
const list = <Entry extends z.ZodType>(entry: Entry) => z.array(entry, 'has to be a list: [a, b]');
const oneOf = <const Words extends readonly string[]>(words: Words) => z.enum(words, 'has to be one of the words');
const Address = Text.transform((text, context) => {
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
const AbsolutePath = Text.refine((text) => path.isAbsolute(text), 'has to be an absolute path');

const HttpListen = Text.transform((text, context) => {
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
/** Octal digits as chmod takes them; YAML reads 0660 as the number 660. */
const SocketMode = z
  .union([z.string(), z.number().transform(String)])
  .refine((text) => /^0?[67][0-7]{2}$/.test(text), 'has to be three octal digits that let the owner in, e.g. 0660')
  .transform((text) => text.padStart(4, '0'));
const HostName = Text.regex(/^[A-Za-z0-9._:-]{1,255}$/, 'has to be a host name or an address, without a port');

/** Every setting of the daemon, under its name in the file; the flag is --name, the environment variable ALIRTCD_NAME. */
export function configSchema({ environment, here }: Defaults) {
  const state = stateRoot(environment);
  const socketFolder = environment['XDG_RUNTIME_DIR'] ?? state;
  const defaultListen = [`unix:${path.join(socketFolder, 'alirtcd.sock')}`, 'tcp:127.0.0.1:7420'];
  return (
    z
      .strictObject({
        listen: list(Address).min(1, 'is an empty list').prefault(defaultListen),
        'socket-mode': SocketMode.prefault('0600'),
        'tls-cert': AbsolutePath.optional(),
        'tls-key': AbsolutePath.optional(),
        'client-ca': AbsolutePath.optional(),
        'insecure-listen': Switch.default(false),
        keys: AbsolutePath.optional(),
        tokens: AbsolutePath.optional(),
        'jwt-key': AbsolutePath.optional(),
        'jwt-issuer': Text.optional(),
        'jwt-audience': Text.optional(),
        'admin-subject': list(Text).default([]),
        'core-port-low': Port.default(42_000),
        'core-port-high': Port.default(45_000),
        'core-service': list(AbsolutePath).default([]),
        'core-nice': whole(0, 19).default(0),
        'core-dumps': Switch.default(false),
        'core-memory-mb': whole(0, 1_000_000).default(0),
        'core-cpu-percent': whole(0, 100_000).default(0),
        'log-root': AbsolutePath.default(path.join(state, 'log')),
        'log-level': oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
        'channel-server-url': ServerUrls.prefault([]),
        'channel-server-allowed': ServerUrls.prefault([]),
        'channel-server-relay-only': Switch.default(false),
        'max-engines': whole(1, 10_000).default(64),
        'capacity-ms': whole(0, 10_000_000).default(0),
        'drain-seconds': whole(0, 86_400).default(0),
        'traces-endpoint': z.url({ protocol: /^https?$/, error: 'has to be http:// or https://' }).optional(),
        'max-engines-per-client': whole(0, 10_000).default(0),
        'max-streams-per-client': whole(1, 100_000).default(1024),
        'max-streams-per-engine': whole(1, 64).default(64),
        'max-event-streams-per-engine': whole(1, 1024).default(64),
        'max-log-readers': whole(1, 1024).default(16),
        'max-calls-per-second': whole(1, 1_000_000).default(10_000),
        'max-message-bytes': whole(65_536, 1_000_000_000).default(67_108_864),
        'event-ring': whole(16, 1_000_000).default(4096),
        'event-ring-bytes': whole(65_536, 1_000_000_000).default(8_000_000),
        'http-listen': HttpListen.optional(),
        'http-remote': Switch.default(false),
        'http-host': list(HostName).default([]),
        console: oneOf(['off', 'read', 'control']).optional(),
        'console-tokens': Switch.default(false),
        'core-restart': oneOf(['never', 'on-crash']).default('on-crash'),
        'core-restart-delay-ms': whole(0, RESTART_LIMITS.delayMs).default(100),
        'core-restart-delay-max-ms': whole(0, RESTART_LIMITS.maxDelayMs).default(10_000),
        'core-restart-attempts': whole(1, RESTART_LIMITS.attempts).default(5),
        'core-restart-window-seconds': whole(1, RESTART_LIMITS.windowSeconds).default(60),
        'core-heartbeat-ms': whole(0, 3_600_000).default(5_000),
        'core-heartbeat-limit-ms': whole(500, 3_600_000).default(10_000),
        'lease-seconds': whole(0, 86_400).default(30),
        'warm-cores': whole(0, 64).default(0),
        'builtin-core-service': AbsolutePath.default(path.join(here, 'AliRtcCoreService')),
        'builtin-channel-server': AbsolutePath.default(path.join(here, 'alirtc-channelserver')),
      })
      .superRefine((config, context) => {
        for (const { path, message } of [...listenFaults(config), ...callerFaults(config)])
          context.addIssue({ code: 'custom', path, message });
      })
      .refine((config) => config['core-port-low'] <= config['core-port-high'], {
        path: ['core-port-high'],
        message: 'lies below core-port-low',
        params: { other: 'core-port-low' },
      })
      .refine(({ 'http-listen': http, 'http-remote': remote }) => remote || isLocalHttp(http), {
        path: ['http-listen'],
        message:
          'only loopback addresses: the console has no login and no TLS. Put a TLS proxy with a login in front of it, or say http-remote: true',
      })
      // Nobody may see by the console, which has no login, what the API hides from him.
      .transform((config) => ({ ...config, console: config.console ?? (knowsCallers(config) ? 'off' : 'read') }))
  );
}

function knowsCallers(config: { tokens?: unknown; 'jwt-key'?: unknown; 'client-ca'?: unknown }): boolean {
  return [config.tokens, config['jwt-key'], config['client-ca']].some((setting) => setting !== undefined);
}

function isLocalHttp(http: 'off' | HttpAddress | undefined): boolean {
  return http === undefined || http === 'off' || isLoopbackHost(http.host);
}

export type Config = z.output<ReturnType<typeof configSchema>>;
export type SettingName = keyof Config;
