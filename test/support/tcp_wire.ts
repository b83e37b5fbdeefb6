import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What is kept of lost bytes: enough to see what they were. */
const MAX_LOST_BYTES = 64 * 1024;

/**
 * A way over TCP to a port of this machine that can be cut (connections end, new ones are refused) and frozen (nothing comes through, nothing ends), and that
 * can lose what goes one way before it is cut.
 */
export class TcpWire implements AsyncDisposable {
  readonly #target: number;
  readonly #host: string;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #isFrozen = false;
  /** Each way. */
  readonly #delayMs: number;
  #loses: 'requests' | 'answers' | undefined;
  #lost = Buffer.alloc(0);

  private constructor(target: number, host: string, delayMs: number) {
    this.#target = target;
    this.#host = host;
    this.#delayMs = delayMs;
  }

  /** What goes over it takes `delayMs` longer each way, as over a long line. */
  static async open(target: number, host = '127.0.0.1', delayMs = 0): Promise<TcpWire> {
    const wire = new TcpWire(target, host, delayMs);
    await wire.mend();
    return wire;
  }

  get url(): string {
    return `ws://${this.#host}:${this.#port}`;
  }

  get connections(): number {
    return this.#sockets.size / 2;
  }

  /** After cut(): the same port takes connections again. */
  async mend(): Promise<void> {
    const server = createServer((socket) => this.#join(socket));
    server.listen(this.#port, this.#host);
    await once(server, 'listening');
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  #join(socket: Socket): void {
    const other = connect(this.#target, '127.0.0.1');
    for (const [from, to, what] of [
      [socket, other, 'requests'],
      [other, socket, 'answers'],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        this.#after(() => to.destroy());
      });
      from.on('data', (data) => {
        if (this.#loses !== what) this.#after(() => to.destroyed || to.write(data));
        else this.#lost = Buffer.concat([this.#lost, data]).subarray(0, MAX_LOST_BYTES);
      });
      if (this.#isFrozen) from.pause();
    }
  }

  #after(what: () => void): void {
    if (this.#delayMs === 0) what();
    else setTimeout(what, this.#delayMs);
  }

  /** From now on all of this is lost on the way, and nobody notices: as what is in flight when a path breaks. Ends with cut(). */
  lose(what: 'requests' | 'answers'): void {
    this.#loses = what;
    this.#lost = Buffer.alloc(0);
  }

  /** Since lose(). */
  get lost(): Buffer {
    return this.#lost;
  }

  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#loses = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of [...this.#sockets]) socket.destroy();
    await closed;
  }

  freeze(): void {
    this.#isFrozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }
}
