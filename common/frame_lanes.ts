import { randomBytes } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { messageOf } from './errors.js';
import { Lifecycle } from './lifecycle.js';
import type { Logger } from './logger.js';

const SECRET_BYTES = 32;
/** How long a secret is good. media.proto says so. */
const OFFER_MS = 10_000;
/** A client sends the secret at once. */
const SECRET_DEADLINE_MS = 2_000;
/** Connections that have not said their secret yet. */
const MAX_STRANGERS = 32;
/** sockaddr_un has 108 bytes, the last one is 0 (unix(7)). */
const MAX_PATH_BYTES = 107;
/** What was written just before the end may still be taken over by the kernel. */
const CLOSE_MS = 500;

export interface LaneOffer {
  path: string;
  secret: Buffer;
  /** The stream has ended: nobody may come any more. */
  withdraw(): void;
}

/**
 * A Unix socket by which clients on this machine fetch frames (media.proto, FrameLane): the daemon has one, and every core process that is asked for pictures. It lies in a folder that only
 * the daemon's user can enter, and who connects says a secret that a stream was told; it belongs to that stream, so whoever may read the stream may read the lane, and nobody else.
 */
export class FrameLanes extends Lifecycle {
  readonly #path: string;
  readonly #logger: Logger;
  /** By the secret in hexadecimal. */
  readonly #offers = new Map<string, (socket: Socket) => void>();
  readonly #strangers = new Set<Socket>();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  /** The path of the socket, in a folder that is the daemon's own, with mode 0700. */
  constructor(path: string, logger: Logger) {
    super();
    this.#path = path;
    this.#logger = logger;
  }

  /** Who says the secret is taken, within ten seconds or never. Undefined: there are no lanes here. */
  offer(take: (socket: Socket) => void, secret: Buffer = randomBytes(SECRET_BYTES)): LaneOffer | undefined {
    if (this.#server === undefined || this.state !== 'ready') return undefined;
    const key = secret.toString('hex');
    const withdraw = (): void => {
      clearTimeout(timer);
      this.#offers.delete(key);
    };
    const timer = setTimeout(withdraw, OFFER_MS);
    this.#offers.set(key, (socket) => {
      withdraw();
      take(socket);
    });
    return { path: this.#path, secret, withdraw };
  }

  /** Frames have gRPC as well: a daemon that cannot have the socket goes on without. */
  protected override async onStart(): Promise<void> {
    if (Buffer.byteLength(this.#path) > MAX_PATH_BYTES)
      return this.#logger.warn({ path: this.#path }, 'no frame lanes: the path of their socket is too long');
    const server = createServer((socket) => this.#onConnection(socket));
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(this.#path, resolve);
      });
      chmodSync(this.#path, 0o600);
      server.on('error', (error) => this.#logger.warn({ err: error }, 'a frame lane could not be accepted'));
      this.#server = server;
    } catch (error) {
      server.close();
      this.#logger.warn({ path: this.#path, reason: messageOf(error) }, 'no frame lanes: their socket cannot be had');
    }
  }

  /** To be called when every stream has ended. */
  protected override async onClose(): Promise<void> {
    const server = this.#server;
    for (const stranger of this.#strangers) stranger.destroy();
    if (server !== undefined) {
      const timer = setTimeout(() => this.#sockets.forEach((socket) => socket.destroy()), CLOSE_MS);
      await new Promise((resolve) => server.close(resolve));
      clearTimeout(timer);
    }
    rmSync(this.#path, { force: true });
  }

  #onConnection(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (this.#strangers.size >= MAX_STRANGERS || this.state !== 'ready') {
      socket.destroy();
      return;
    }
    this.#strangers.add(socket);
    const timer = setTimeout(() => socket.destroy(), SECRET_DEADLINE_MS);
    const known = (): void => {
      clearTimeout(timer);
      this.#strangers.delete(socket);
    };
    socket.once('close', known);
    let said = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      said = Buffer.concat([said, chunk]);
      if (said.length < SECRET_BYTES) return;
      socket.off('data', onData);
      known();
      this.#onSecret(socket, said);
    };
    socket.on('data', onData);
  }

  #onSecret(socket: Socket, said: Buffer): void {
    const take = said.length === SECRET_BYTES ? this.#offers.get(said.toString('hex')) : undefined;
    if (take === undefined) {
      this.#logger.warn('a connection to the frame lanes was refused: nobody was given its secret');
      socket.destroy();
      return;
    }
    // Nothing else is to be said; reading shows when the client goes.
    socket.on('data', () => socket.destroy());
    take(socket);
  }
}
