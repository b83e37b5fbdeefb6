import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { CallbackFields, CallbackName } from './callbacks.js';
import type { Command } from './commands.js';
import { CORE_TO_HOST, HOST_TO_CORE } from './direction.js';
import type { ConnectionEnd, ConnectionOptions } from './framed_socket.js';
import { FramedSocket } from './framed_socket.js';

export interface CoreConnectionEvents {
  /** Every listed command, in the order of the wire. Its payload belongs to the listener. */
  command: [Command];
  /** Once, after the last command. The core ends with it. */
  closed: [ConnectionEnd];
}

/** The core service's end of the connection: commands in, callbacks out. */
export class CoreConnection extends EventEmitter<CoreConnectionEvents> {
  readonly #framed: FramedSocket;

  /** Takes over an accepted socket. Put the listeners on before the next turn of the event loop: nothing is kept for late ones. */
  constructor(socket: Socket, options: ConnectionOptions = {}) {
    super();
    this.#framed = new FramedSocket(
      socket,
      { incoming: HOST_TO_CORE, outgoing: CORE_TO_HOST },
      {
        // The decoder has checked the fields against the row of that name, which is what the type says.
        onMessage: (message) => this.emit('command', message as Command),
        onClosed: (end) => this.emit('closed', end),
      },
      options,
    );
  }

  get isOpen(): boolean {
    return this.#framed.isOpen;
  }

  /** Bytes that wait to be written; what makes frames drops them while this is high. */
  get writableLength(): number {
    return this.#framed.writableLength;
  }

  /**
   * Sends a callback. The payload is not copied: leave it unchanged until drained() has resolved. Once the connection has ended it does
   * nothing: media that is still on its way through the core has nobody to go to.
   */
  notify<N extends CallbackName>(name: N, fields: CallbackFields<N>, payload?: Uint8Array): void {
    if (this.isOpen) this.#framed.send(name, fields, payload);
  }

  /** Resolves when there is room to send more, and also when the connection ends. */
  drained(): Promise<void> {
    return this.#framed.drained();
  }

  /** Stops and goes on reading commands. */
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
