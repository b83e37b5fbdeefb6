import { AlirtcError, messageOf } from '../../common/errors.js';
import type { EndCause, LifecycleState } from '../../common/lifecycle.js';
import { Lifecycle } from '../../common/lifecycle.js';
import type { Logger } from '../../common/logger.js';
import type { ConnectionEnd } from '../../coreservice/ipc/framed_socket.js';
import { HostConnection } from '../../coreservice/ipc/host_connection.js';
import { CoreChildHandle } from './core_child.js';
import { prepareToSpawn } from './core_executable.js';
import type { CoreSurroundings } from './core_surroundings.js';
import type { PortRange, ReservedPort } from './port_range.js';

export interface CoreProcessOptions {
  /** The core service's executable; the caller has checked that it is allowed. */
  path: string;
  ports: PortRange;
  /** The process's own working folder; it is made when missing, and left behind. */
  workFolder: string;
  /** A child of the engine's logger: what the core prints goes there too. */
  logger: Logger;
  /** Further environment variables of the process; it gets nearly none of the daemon's. */
  environment?: Readonly<Record<string, string>>;
  /** Lifts the core-dump limit of the process. */
  coreDumps?: boolean;
  /** What the system is told of the process. */
  surroundings?: CoreSurroundings;
  /** From the spawn to the connection; 5,000 by default. */
  readyTimeoutMs?: number;
  /** The kill ladder: how long each step waits for the exit before the next one comes. */
  ladder?: Partial<KillLadder>;
  /** How many of its last lines are kept; 30 by default. */
  keptLines?: number;
}

/** All in milliseconds. */
export interface KillLadder {
  /** After DESTROY_ENGINE; 1,500 by default. */
  destroyMs: number;
  /** After the socket was closed; 500. */
  closeMs: number;
  /** After SIGTERM; 500. */
  termMs: number;
  /** After SIGKILL; 2,000. Only a process that hangs in the kernel outlives it. */
  killMs: number;
}

const DEFAULT_LADDER: Readonly<KillLadder> = { destroyMs: 1500, closeMs: 500, termMs: 500, killMs: 2000 };
const DEFAULT_READY_TIMEOUT_MS = 5000;
/** A process that dies takes its socket along: its exit, which says more, is seen a moment later. */
const EXIT_AFTER_SOCKET_MS = 250;

/**
 * One running core service (core-service-ipc.md, section 1): spawned, connected, watched, ended.
 *
 * start() rejects with invalid_argument or failed_precondition naming the path, resource_exhausted when no port is free, and
 * unavailable with the process's last lines. When the process ends or its connection breaks by itself, `lost` resolves at once, and `done` when what was left has
 * been ended, both with kind failed and an AlirtcError of reason CORE_DIED. close() is bounded by the sum of the ladder's steps. Either way no process, socket or port is left.
 */
export class CoreProcess extends Lifecycle {
  readonly #options: CoreProcessOptions;
  readonly #ladder: KillLadder;
  readonly #logger: Logger;
  /** Ends what start() waits for, with the reason. */
  readonly #startAbort = new AbortController();
  #reserved: ReservedPort | undefined;
  #child: CoreChildHandle | undefined;
  #connection: HostConnection | undefined;
  #port: number | undefined;
  #resolveLost!: (cause: EndCause) => void;
  /** Stays pending when it is closed in order. */
  readonly lost: Promise<EndCause> = new Promise((resolve) => (this.#resolveLost = resolve));

  constructor(options: CoreProcessOptions) {
    super();
    this.#options = options;
    this.#ladder = { ...DEFAULT_LADDER, ...options.ladder };
    this.#logger = options.logger;
  }

  /** From start() on. Put the listener for callbacks on before the first command is sent. */
  get connection(): HostConnection {
    if (this.#connection === undefined) throw new Error('CoreProcess: no connection before start() has resolved');
    return this.#connection;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The port that the core printed; it may differ from the one that was drawn for it. */
  get port(): number | undefined {
    return this.#port;
  }

  /** What it printed last, oldest first. */
  get lastLines(): readonly string[] {
    return this.#child?.lastLines ?? [];
  }

  /** SIGKILL: its end is told as every death. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  protected override async onStart(): Promise<void> {
    const { path, workFolder, readyTimeoutMs = DEFAULT_READY_TIMEOUT_MS } = this.#options;
    await prepareToSpawn(path, workFolder);
    this.#startAbort.signal.throwIfAborted();
    const reserved = await this.#options.ports.draw();
    this.#reserved = reserved;
    if (this.#startAbort.signal.aborted) {
      reserved.giveBack();
      this.#startAbort.signal.throwIfAborted();
    }
    const timer = setTimeout(() => this.#startAbort.abort(this.#notReady(readyTimeoutMs)), readyTimeoutMs);
    try {
      await this.#spawnAndConnect(reserved.port);
    } finally {
      clearTimeout(timer);
    }
  }

  async #spawnAndConnect(port: number): Promise<void> {
    const { signal } = this.#startAbort;
    const child = new CoreChildHandle({ ...this.#options, port });
    this.#child = child;
    void child.exited.then(() => this.#onExit(child));
    this.#port = await Promise.race([child.bindPort, aborted(signal)]);
    const connection = await HostConnection.connect({ port: this.#port, logger: this.#logger, signal }).catch(
      (error: unknown) => {
        // The exit and the deadline say more than "cancelled".
        signal.throwIfAborted();
        throw this.#withLastLines('failed to start', error, 'CORE_START_FAILED');
      },
    );
    this.#connection = connection;
    connection.on('closed', (end) => void this.#onConnectionEnd(child, end));
    if (signal.aborted) connection.destroy();
    signal.throwIfAborted();
  }

  protected override async onClose(cause: EndCause): Promise<void> {
    this.#startAbort.abort(
      new AlirtcError('cancelled', 'the core service was closed while it started', { reason: 'CORE_START_CANCELLED' }),
    );
    try {
      if (this.#child !== undefined) await this.#descendLadder(this.#child, cause);
    } finally {
      this.#connection?.destroy();
      this.#child?.release();
      this.#reserved?.giveBack();
    }
  }

  /** Ask, close the socket, SIGTERM, SIGKILL; each step only when the one before has not ended the process in its time. */
  async #descendLadder(child: CoreChildHandle, cause: EndCause): Promise<void> {
    const { destroyMs, closeMs, termMs, killMs } = this.#ladder;
    const connection = this.#connection;
    if (connection?.isOpen) {
      connection.send('DESTROY_ENGINE', {});
      if (await child.exitedWithin(destroyMs)) return;
    }
    if (connection !== undefined) {
      connection.destroy();
      if (await child.exitedWithin(closeMs)) return;
    }
    child.kill('SIGTERM');
    if (await child.exitedWithin(termMs)) return;
    child.kill('SIGKILL');
    if (await child.exitedWithin(killMs)) return;
    this.#logger.error({ pid: child.pid, cause: cause.kind }, 'the core process outlives SIGKILL');
  }

  #onExit(child: CoreChildHandle): void {
    if (this.state === 'starting') this.#startAbort.abort(this.#exitError(child, 'failed to start'));
    else if (this.state === 'ready') void this.#die(this.#exitError(child, 'died'));
  }

  async #onConnectionEnd(child: CoreChildHandle, end: ConnectionEnd): Promise<void> {
    if (end.kind === 'requested') return;
    // After a protocol error there is no process that dies: there is nothing to wait for.
    const isProtocol = end.kind === 'failed' && end.error.reason === 'IPC_PROTOCOL_ERROR';
    if (!isProtocol && (await child.exitedWithin(EXIT_AFTER_SOCKET_MS))) return;
    const error = end.kind === 'failed' ? end.error : new Error('it closed the connection');
    const whenReady = this.#withLastLines('died', error, 'CORE_DIED');
    if (this.state === 'ready') await this.#die(whenReady);
    else this.#startAbort.abort(this.#withLastLines('failed to start', error, 'CORE_START_FAILED'));
  }

  /** Said first: a process that has hung up may take the whole kill ladder to end. */
  #die(error: AlirtcError): Promise<void> {
    const cause: EndCause = { kind: 'failed', error };
    this.#resolveLost(cause);
    return this.close(cause);
  }

  #exitError(child: CoreChildHandle, what: string): AlirtcError {
    const reason = what === 'died' ? 'CORE_DIED' : 'CORE_START_FAILED';
    return child.spawnError ?? this.#withLastLines(what, new Error(child.exitText), reason);
  }

  #notReady(readyTimeoutMs: number): AlirtcError {
    return this.#withLastLines(
      'failed to start',
      new Error(`not ready within ${readyTimeoutMs} ms`),
      'CORE_START_FAILED',
    );
  }

  /** "core service <path> <what>: <why>; its last lines: ..." with the facts for programs beside. */
  #withLastLines(what: string, why: unknown, reason: string): AlirtcError {
    const lines = this.lastLines.join('\n');
    const tail = lines === '' ? '; it printed nothing' : `; its last lines:\n${lines}`;
    const exit = this.#child?.exit;
    return new AlirtcError('unavailable', `core service ${this.#options.path} ${what}: ${messageOf(why)}${tail}`, {
      reason,
      cause: why,
      remedy: 'create a new engine; the last lines and the log tell what happened',
      metadata: {
        last_lines: lines,
        ...(exit?.code == null ? {} : { exit_code: String(exit.code) }),
        ...(exit?.signal == null ? {} : { signal: exit.signal }),
      },
    });
  }

  protected override onState(from: LifecycleState, to: LifecycleState): void {
    this.#logger.debug({ from, to, pid: this.pid, port: this.#port }, 'core process');
  }

  protected override onCloseError(error: unknown): void {
    this.#logger.error({ err: error, pid: this.pid }, 'the core process could not be ended in order');
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => reject(signal.reason as Error);
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}
