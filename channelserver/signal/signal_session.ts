import { SignalRequest, SignalResponse } from '@livekit/protocol';
import type { WebSocket } from 'ws';
import { messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import type { SignalLink } from '../room/signal_link.js';

export interface SignalSessionOptions {
  queueBytes: number;
  pendingRequests: number;
  /** Silence of the client for so long ends it. */
  silenceMs: number;
  logger: Logger;
}

/** Why a signalling connection ended. */
export type SignalEnd = 'closed' | 'lost' | 'silent' | 'protocol_error' | 'flooded' | 'request_failed';

export interface SignalHandlers {
  request(request: SignalRequest): Promise<void>;
  /** Exactly once. */
  ended(cause: SignalEnd): void;
}

/** RFC 6455, 7.4.1. */
const CLOSE_NORMAL = 1000;
const CLOSE_UNSUPPORTED_DATA = 1003;
/** No close frame came. */
const CLOSE_ABNORMAL = 1006;
const CLOSE_INVALID_PAYLOAD = 1007;
const CLOSE_POLICY = 1008;
const CLOSE_INTERNAL = 1011;

/** One client's WebSocket: protobuf frames both ways, requests worked off in order. */
export class SignalSession implements SignalLink {
  readonly #socket: WebSocket;
  readonly #options: SignalSessionOptions;
  readonly #queue: SignalRequest[] = [];
  #handlers: SignalHandlers | undefined;
  #working = false;
  #ended = false;
  #silence: NodeJS.Timeout | undefined;
  #hasSpoken = false;

  constructor(socket: WebSocket, options: SignalSessionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary));
    socket.on('close', (code) => this.#end(code === CLOSE_ABNORMAL ? 'lost' : 'closed', undefined, ''));
    // "close" follows; a frame over the limit comes here with its own close code already sent.
    socket.on('error', (error) => options.logger.info({ reason: error.message }, 'a signalling connection broke'));
    this.#heard();
  }

  /** From now on requests are worked off: `first`, then those that came early. */
  listen(handlers: SignalHandlers, first: readonly SignalRequest[] = []): void {
    this.#handlers = handlers;
    this.#queue.unshift(...first);
    if (this.#ended) handlers.ended('closed');
    else void this.#work();
  }

  send(message: SignalResponse['message']): void {
    if (this.#ended || this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > this.#options.queueBytes) {
      this.#end('flooded', CLOSE_POLICY, 'reads too slowly');
      return;
    }
    this.#socket.send(new SignalResponse({ message }).toBinary());
  }

  end(): void {
    this.#end('closed', CLOSE_NORMAL, '');
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#ended) return;
    this.#heard();
    if (!isBinary) {
      this.#end('protocol_error', CLOSE_UNSUPPORTED_DATA, 'only binary frames');
      return;
    }
    let request: SignalRequest;
    try {
      request = SignalRequest.fromBinary(data);
    } catch {
      this.#end('protocol_error', CLOSE_INVALID_PAYLOAD, 'not a SignalRequest');
      return;
    }
    if (this.#queue.length >= this.#options.pendingRequests) {
      this.#end('flooded', CLOSE_POLICY, 'too many requests at once');
      return;
    }
    this.#queue.push(request);
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#working || this.#handlers === undefined) return;
    this.#working = true;
    try {
      for (let request = this.#queue.shift(); request !== undefined && !this.#ended; request = this.#queue.shift())
        await this.#handlers.request(request);
    } catch (error) {
      this.#options.logger.warn({ reason: messageOf(error) }, 'a signalling request failed');
      this.#end('request_failed', CLOSE_INTERNAL, 'a request could not be worked off');
    } finally {
      this.#working = false;
    }
  }

  #heard(): void {
    this.#hasSpoken = true;
    if (this.#silence !== undefined) this.#silence.refresh();
    else this.#silence = setTimeout(() => this.#onSilence(), this.#options.silenceMs);
  }

  /** A server that was held up itself finds its timers late, and what clients said waiting to be read: sockets are read before immediates run. */
  #onSilence(): void {
    this.#hasSpoken = false;
    setImmediate(() => {
      if (!this.#hasSpoken) this.#end('silent', CLOSE_POLICY, 'silent for too long');
    });
  }

  #end(cause: SignalEnd, code: number | undefined, text: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#silence);
    this.#queue.length = 0;
    if (code !== undefined && this.#socket.readyState === this.#socket.OPEN) {
      this.#socket.close(code, text);
      // A client that does not answer the close frame is cut off.
      const cut = setTimeout(() => this.#socket.terminate(), 1000);
      this.#socket.once('close', () => clearTimeout(cut));
    }
    this.#handlers?.ended(cause);
  }
}
