import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { EngineServiceClient } from '../../gen/alirtc/v1/engine.js';
import { EventServiceClient } from '../../gen/alirtc/v1/events.js';
import { MediaServiceClient } from '../../gen/alirtc/v1/media.js';
import { NodeServiceClient } from '../../gen/alirtc/v1/node.js';
import { TokenServiceClient } from '../../gen/alirtc/v1/token.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const READY_MS = 20_000;
const EXIT_MS = 15_000;

export interface DaemonProcessOptions {
  /** Flags beyond --listen and --log-root. */
  flags?: readonly string[];
  environment?: Readonly<Record<string, string>>;
  listen?: readonly string[];
}

/** A real alirtcd with folders of its own, and clients of all its services. */
export class DaemonProcess {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly ready: { listen: string[]; channelServerUrl: string; console?: string; http?: string; pid: number };
  readonly engines: EngineServiceClient;
  readonly events: EventServiceClient;
  readonly media: MediaServiceClient;
  readonly node: NodeServiceClient;
  readonly tokens: TokenServiceClient;
  /** What it wrote to standard error. */
  readonly log: string[];

  private constructor(started: Started, ready: DaemonProcess['ready']) {
    this.child = started.child;
    this.folder = started.folder;
    this.exited = started.exited;
    this.log = started.log;
    this.ready = ready;
    const options = {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
      'grpc-node.flow_control_window': 4 * 1024 * 1024,
    };
    const insecure = credentials.createInsecure();
    this.engines = new EngineServiceClient(this.target, insecure, options);
    this.events = new EventServiceClient(this.target, insecure, options);
    this.media = new MediaServiceClient(this.target, insecure, options);
    this.node = new NodeServiceClient(this.target, insecure, options);
    this.tokens = new TokenServiceClient(this.target, insecure, options);
  }

  static async start(options: DaemonProcessOptions = {}): Promise<DaemonProcess> {
    const started = spawnDaemon(options);
    try {
      return new DaemonProcess(started, await started.ready);
    } catch (error) {
      started.child.kill('SIGKILL');
      await started.exited;
      rmSync(started.folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** For gRPC clients. */
  get target(): string {
    const tcp = this.ready.listen.find((address) => address.startsWith('tcp:'));
    return tcp === undefined ? (this.ready.listen[0] ?? '') : tcp.slice('tcp:'.length);
  }

  closeClients(): void {
    for (const client of [this.engines, this.events, this.media, this.node, this.tokens]) client.close();
  }

  /** Ends it with that signal and waits. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.closeClients();
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), EXIT_MS);
    const exit = await this.exited;
    clearTimeout(timer);
    rmSync(this.folder, { recursive: true, force: true });
    return exit;
  }
}

interface Started {
  child: ChildProcess;
  folder: string;
  log: string[];
  exited: DaemonProcess['exited'];
  ready: Promise<DaemonProcess['ready']>;
}

function spawnDaemon({ flags = [], environment = {}, listen = ['tcp:127.0.0.1:0'] }: DaemonProcessOptions): Started {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'alirtcd-test-'));
  const file = path.join(root, 'dist', 'bin', 'alirtcd.mjs');
  const own = [
    ...listen.flatMap((address) => ['--listen', address]),
    ...['--log-root', path.join(folder, 'log'), '--http-listen', '127.0.0.1:0'],
  ];
  const child = spawn(process.execPath, [file, ...own, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, ...environment },
  });
  const log: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
  const exited: Started['exited'] = new Promise((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  );
  const ready = new Promise<DaemonProcess['ready']>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ready in ${READY_MS} ms:\n${log.join('\n')}`)), READY_MS);
    createInterface({ input: child.stdout }).on('line', (line) => {
      clearTimeout(timer);
      resolve(JSON.parse(line) as DaemonProcess['ready']);
    });
    void exited.then(({ code }) => {
      clearTimeout(timer);
      reject(new Error(`alirtcd ended with ${code}:\n${log.join('\n')}`));
    });
  });
  return { child, folder, log, exited, ready };
}
