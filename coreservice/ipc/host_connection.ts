import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { AlirtcError } from '../../common/errors.js';
import type { Callback } from './callbacks.js';
import type { CommandFields, CommandName } from './commands.js';
import type { ConnectOptions } from './connect_with_retry.js';
import { connectWithRetry } from './connect_with_retry.js';
import { CORE_TO_HOST, HOST_TO_CORE } from './direction.js';
import type { ConnectionEnd, ConnectionOptions } from './framed_socket.js';
import { FramedSocket } from './framed_socket.js';

export interface HostConnectionEvents {
  /** Every listed callback, in the order of the wire. Its payload belongs to the listener. */
  callback: [Callback];
  /** Once, after the last callback. */
  closed: [ConnectionEnd];
}

/** The daemon's end of the connection to a core service: commands out, callbacks in. */
export class HostConnection extends EventEmitter<HostConnectionEvents> {
  readonly #framed: FramedSocket;

  /** Takes over a connected socket. Put the listeners on before the next turn of the event loop: nothing is kept for late ones. */
  constructor(socket: Socket, options: ConnectionOptions = {}) {
    super();
    this.#framed = new FramedSocket(
      socket,
      { incoming: CORE_TO_HOST, outgoing: HOST_TO_CORE },
      {
        // The decoder has checked the fields against the row of that name, which is what the type says.
        onMessage: (message) => this.emit('callback', message as Callback),
        onClosed: (end) => this.emit('closed', end),
      },
      options,
    );
  }

  /** Connects, trying again while nothing answers. Rejects with AlirtcError unavailable or cancelled. */
  static async connect(options: ConnectOptions & ConnectionOptions): Promise<HostConnection> {
    return new HostConnection(await connectWithRetry(options), options);
  }

  get isOpen(): boolean {
    return this.#framed.isOpen;
  }

  /** Bytes that wait to be written. */
  get writableLength(): number {
    return this.#framed.writableLength;
  }

  /**
   * Sends a command; there is no reply. The payload is not copied: leave it unchanged until drained() has resolved.
   * Throws AlirtcError invalid_argument naming message, key and value, and unavailable when the connection has ended.
   */
  send<N extends CommandName>(name: N, fields: CommandFields<N>, payload?: Uint8Array): void {
    if (!this.isOpen)
      throw new AlirtcError('unavailable', `${name}: the connection to the core service has ended`, {
        reason: 'IPC_CONNECTION_LOST',
      });
    this.#framed.send(name, fields, payload);
  }

  /** Resolves when there is room to send more, and also when the connection ends. */
  drained(): Promise<void> {
    return this.#framed.drained();
  }

  /** Stops and goes on reading callbacks. */
  pause(): void {
    this.#framed.pause();
  }

  resume(): void {
    this.#framed.resume();
  }

  /** Writes what waits and closes, within half a second. */
  close(): Promise<void> {
    return this.#framed.close();
  }

  destroy(): void {
    this.#framed.destroy();
  }
}
