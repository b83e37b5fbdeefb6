import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Lifecycle } from '../../common/lifecycle.js';
import type { IceServer } from '../../webrtc/media_transport.js';
import { eventually } from './eventually.js';

export interface TurnServerOptions {
  /** Where it listens and from where it relays; 127.0.0.1 by default. */
  host?: string;
  /** From where it relays, when that is another address. */
  relayHost?: string;
  port: number;
  /** turns: on port + 1. */
  tls?: { certificate: string; key: string };
  /** Relayed addresses have these ports. */
  relayPorts: { low: number; high: number };
}

export const TURN_USER = 'turn-user';
export const TURN_PASSWORD = 'turn-password';

/** coturn (Debian: coturn), with one user, for peers on this machine. */
export class TurnServer extends Lifecycle implements AsyncDisposable {
  readonly #options: TurnServerOptions;
  #child: ChildProcess | undefined;
  #folder: string | undefined;
  #log = '';

  constructor(options: TurnServerOptions) {
    super();
    this.#options = options;
  }

  get host(): string {
    return this.#options.host ?? '127.0.0.1';
  }

  /** What it said. */
  get log(): string {
    return this.#log;
  }

  /** As a JoinResponse names it. */
  iceServer(transport: 'udp' | 'tcp' | 'tls'): IceServer {
    const { port } = this.#options;
    const url =
      transport === 'tls'
        ? `turns:${this.host}:${port + 1}?transport=tcp`
        : `turn:${this.host}:${port}?transport=${transport}`;
    return { urls: [url], username: TURN_USER, credential: TURN_PASSWORD };
  }

  protected override async onStart(): Promise<void> {
    const { port, tls, relayPorts, relayHost = this.host } = this.#options;
    this.#folder = await mkdtemp(path.join(tmpdir(), 'turn-'));
    const settings = [
      ['-n', '--log-file=stdout', '--simple-log', '--no-cli', '--fingerprint', '--lt-cred-mech', '--verbose'],
      [`--user=${TURN_USER}:${TURN_PASSWORD}`, '--realm=alirtcd.test'],
      [`--listening-ip=${this.host}`, `--relay-ip=${relayHost}`, `--listening-port=${port}`],
      [`--min-port=${relayPorts.low}`, `--max-port=${relayPorts.high}`],
      ['--allow-loopback-peers', '--no-multicast-peers', `--pidfile=${this.#folder}/turn.pid`],
      [`--userdb=${this.#folder}/turn.db`, '--relay-threads=1'],
      tls === undefined
        ? ['--no-tls', '--no-dtls']
        : ['--no-dtls', `--tls-listening-port=${port + 1}`, `--cert=${tls.certificate}`, `--pkey=${tls.key}`],
    ].flat();
    const child = spawn('turnserver', settings, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => (this.#log = (this.#log + data.toString('utf8')).slice(-20_000)));
    let failure: string | undefined;
    child.once('error', (error) => (failure = `turnserver cannot be started: ${error.message} (Debian: coturn)`));
    child.once('exit', (code) => (failure ??= `turnserver ended with ${code}`));
    await eventually(async () => {
      if (failure !== undefined) throw new Error(`${failure}\n${this.#log}`);
      return (await accepts(this.host, port)) ? undefined : 'it does not listen';
    });
  }

  protected override async onClose(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
