import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { Lifecycle } from '../../../common/lifecycle.js';
import { APP_ID, APP_KEY } from '../../support/running_daemon.js';
import { freePorts } from './free_ports.js';
import { livekitBinary } from './livekit_binary.js';
import { LoggedProcess } from './logged_process.js';

/** Signalling, ICE over TCP, and the rest for ICE over UDP: two of these for each participant. */
const PORTS = 100;

export interface LiveKitServerOptions {
  /** API keys and their secrets; default: the pair of startDaemon(). */
  keys?: Readonly<Record<string, string>>;
  /** host:port of Redis: the node is one of a cluster. */
  redisAddress?: string;
  /** Told to clients: rtc.turn_servers. */
  turnServers?: readonly TurnServer[];
  /** The server's own TURN: UDP without TLS. */
  embeddedTurn?: boolean;
  /** ICE over TCP only: the server has no UDP port. */
  tcpOnly?: boolean;
  /** Anything else of the server's configuration file; maps are merged. */
  config?: Readonly<Record<string, unknown>>;
}

export interface TurnServer {
  host: string;
  port: number;
  protocol: 'udp' | 'tcp' | 'tls';
  username: string;
  credential: string;
}

/**
 * One real livekit-server on 127.0.0.1. Its ports are drawn once: killed and started again (`process`) it is found at the same url. Its log lies in a
 * temporary folder until close().
 */
export class LiveKitServer extends Lifecycle {
  readonly #options: LiveKitServerOptions;
  #folder = '';
  #firstPort = 0;
  #process: LoggedProcess | undefined;

  constructor(options: LiveKitServerOptions = {}) {
    super();
    this.#options = options;
  }

  /** ws://127.0.0.1:port */
  get url(): string {
    return `ws://127.0.0.1:${this.#firstPort}`;
  }

  /** For RoomServiceClient. */
  get httpUrl(): string {
    return `http://127.0.0.1:${this.#firstPort}`;
  }

  get ports(): { signalling: number; tcp: number; udpLow: number; udpHigh: number; turnUdp: number } {
    const first = this.#firstPort;
    return { signalling: first, tcp: first + 1, turnUdp: first + 2, udpLow: first + 3, udpHigh: first + PORTS - 1 };
  }

  /** Valid once started: end, start, pause it by signals, read its last lines. */
  get process(): LoggedProcess {
    if (this.#process === undefined) throw new Error('livekit-server was not started');
    return this.#process;
  }

  protected override async onStart(): Promise<void> {
    const command = await livekitBinary();
    this.#folder = await mkdtemp(path.join(tmpdir(), 'livekit-'));
    this.#firstPort = await freePorts(PORTS);
    const file = path.join(this.#folder, 'livekit.yaml');
    await writeFile(file, stringify(this.#config()), { mode: 0o600 });
    this.#process = new LoggedProcess({
      name: 'livekit-server',
      command,
      args: ['--config', file],
      logFile: path.join(this.#folder, 'livekit.log'),
      isReady: async () => (await fetch(this.httpUrl, { signal: AbortSignal.timeout(1000) })).ok,
    });
    await this.#process.start();
  }

  protected override async onClose(): Promise<void> {
    // A second SIGTERM or SIGKILL is needed when participants stay: it would wait for them.
    await this.#process?.end('SIGKILL');
    if (this.#folder !== '') await rm(this.#folder, { recursive: true, force: true });
  }

  #config(): Record<string, unknown> {
    const { ports } = this;
    const { keys = { [APP_ID]: APP_KEY }, redisAddress, turnServers = [], tcpOnly = false } = this.#options;
    const config = {
      port: ports.signalling,
      bind_addresses: ['127.0.0.1'],
      keys,
      ...(redisAddress === undefined ? {} : { redis: { address: redisAddress } }),
      rtc: {
        node_ip: '127.0.0.1',
        use_external_ip: false,
        enable_loopback_candidate: true,
        interfaces: { includes: ['lo'] },
        tcp_port: ports.tcp,
        ...(tcpOnly ? { force_tcp: true } : { port_range_start: ports.udpLow, port_range_end: ports.udpHigh }),
        ...(turnServers.length === 0 ? {} : { turn_servers: turnServers }),
      },
      ...(this.#options.embeddedTurn === true ? { turn: { enabled: true, udp_port: ports.turnUdp } } : {}),
      logging: { level: 'info', json: false, pion_level: 'warn' },
    };
    return merge(config, this.#options.config ?? {});
  }
}

function merge(base: Record<string, unknown>, over: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    merged[key] = isMap(old) && isMap(value) ? merge(old, value) : value;
  }
  return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
