import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { AlirtcError, messageOf } from '../../common/errors.js';
import { CoreConnection } from './core_connection.js';
import type { ConnectionOptions } from './framed_socket.js';

export interface ListenOptions extends ConnectionOptions {
  /** How long accept() waits for the host; 30,000 by default. */
  acceptTimeoutMs?: number;
}

const LOCALHOST = '127.0.0.1';
const DEFAULT_ACCEPT_TIMEOUT_MS = 30_000;

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: LOCALHOST, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function isTaken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL';
}

/** The listening side of a core service: one host, once. */
export class HostListener {
  readonly #server: Server;
  readonly #options: ListenOptions;
  #first: Socket | undefined;

  constructor(server: Server, options: ListenOptions) {
    this.#server = server;
    this.#options = options;
    server.on('connection', (socket) => this.#onSocket(socket));
  }

  /** The port that is really listened on: the one to print. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * The host's connection; call it once. The listening ends with it, so that further ones are refused. Put the listeners on it at once.
   * Rejects with deadline_exceeded when no host comes, or with cancelled when close() is called before.
   */
  async accept(): Promise<CoreConnection> {
    const timeoutMs = this.#options.acceptTimeoutMs ?? DEFAULT_ACCEPT_TIMEOUT_MS;
    const socket = this.#first ?? (await this.#nextSocket(timeoutMs));
    return new CoreConnection(socket, this.#options);
  }

  /** Stops listening; an accepted connection stays. */
  close(): void {
    this.#server.close();
  }

  #onSocket(socket: Socket): void {
    if (this.#first !== undefined) {
      socket.destroy();
      return;
    }
    this.#first = socket;
    this.#server.emit('host', socket);
    this.#server.close();
  }

  #nextSocket(timeoutMs: number): Promise<Socket> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        settle();
        server.close();
        reject(
          new AlirtcError('deadline_exceeded', `no host has connected within ${timeoutMs} ms`, {
            reason: 'IPC_NO_HOST',
          }),
        );
      }, timeoutMs);
      const onHost = (socket: Socket): void => {
        settle();
        resolve(socket);
      };
      const onClose = (): void => {
        settle();
        reject(new AlirtcError('cancelled', 'listening for the host was ended', { reason: 'IPC_NO_HOST' }));
      };
      const settle = (): void => {
        clearTimeout(timer);
        server.off('host', onHost);
        server.off('close', onClose);
      };
      server.on('host', onHost);
      server.on('close', onClose);
    });
  }
}

/**
 * Listens on localhost for the host. When the asked-for port is taken, on another free one: print `port`, not what was asked for.
 * Rejects with AlirtcError unavailable when no port can be had at all.
 */
export async function listenForHost(port: number, options: ListenOptions = {}): Promise<HostListener> {
  // Paused: nothing is read before the connection has its listeners.
  let server = createServer({ noDelay: true, pauseOnConnect: true });
  try {
    await listen(server, port).catch(async (error: unknown) => {
      if (!isTaken(error)) throw error;
      server = createServer({ noDelay: true, pauseOnConnect: true });
      await listen(server, 0);
    });
  } catch (error) {
    throw new AlirtcError('unavailable', `cannot listen on ${LOCALHOST}:${port}: ${messageOf(error)}`, {
      reason: 'IPC_LISTEN_FAILED',
      field: 'port',
      value: String(port),
      cause: error,
    });
  }
  return new HostListener(server, options);
}
