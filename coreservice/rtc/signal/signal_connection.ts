import { EventEmitter } from 'node:events';
import {
  LeaveRequest,
  LeaveRequest_Action,
  DisconnectReason,
  Ping,
  SignalRequest,
  SignalResponse,
  type JoinResponse,
  type ReconnectResponse,
} from '@livekit/protocol';
import type { WebSocket } from 'ws';
import { RoomConnectError } from '../connect_error.js';
import { openWithFirst, readJoin, readReconnect } from './first_message.js';
import type { WebSocketOptions } from './open_web_socket.js';

export type SignalMessage = SignalResponse['message'];
export type SignalRequestMessage = NonNullable<ConstructorParameters<typeof SignalRequest>[0]>['message'];

/** When the JoinResponse names none. */
const DEFAULT_PING_INTERVAL_S = 10;
const DEFAULT_PING_TIMEOUT_S = 20;
const MAX_PING_S = 300;
/** What is said while there is no connection, for after it. */
const MAX_PARKED = 256;
/** What has no meaning any more on the next connection: descriptions are made anew, and who waits for the answer to an AddTrack repeats it. */
const OF_THE_MOMENT = new Set(['offer', 'answer', 'trickle', 'ping', 'pingReq', 'leave', 'addTrack']);

/**
 * The signalling of one stay, from its JoinResponse on. Messages wait until start() names who takes them. After "closed" another WebSocket can take the
 * place of the lost one; what was said meanwhile is sent then.
 */
export class SignalConnection extends EventEmitter<{ message: [message: SignalMessage]; closed: [reason: string] }> {
  readonly join: JoinResponse;
  /** The server is on this machine. */
  readonly isLoopback: boolean;
  #socket!: WebSocket;
  #parked: SignalRequestMessage[] = [];
  #isFinal = false;
  #waiting: SignalMessage[] | undefined = [];
  #pingTimer: NodeJS.Timeout | undefined;
  /** When the oldest ping without an answer was sent. */
  #unansweredSinceMs: number | undefined;
  #roundTripMs = 0;
  #isClosed = false;

  private constructor(socket: WebSocket, join: JoinResponse, isLoopback: boolean) {
    super();
    this.join = join;
    this.isLoopback = isLoopback;
    this.#attach(socket);
  }

  #attach(socket: WebSocket): void {
    this.#socket = socket;
    const end = (reason: string): void => {
      if (this.#socket === socket) this.#end(reason);
    };
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#onMessage(data, isBinary));
    socket.on('error', (error) => end(error.message));
    socket.on('close', (code) => end(`the server closed the signalling connection (${code})`));
  }

  /** Resolves with the JoinResponse in hand; rejects with a RoomConnectError and leaves nothing open. */
  static async open(options: WebSocketOptions): Promise<SignalConnection> {
    const { socket, isLoopback, first, rest } = await openWithFirst(options, readJoin);
    const connection = new SignalConnection(socket, first, isLoopback);
    for (const data of rest) connection.#onMessage(data, true);
    socket.resume();
    return connection;
  }

  /**
   * A new WebSocket for the same stay, in the place of one that is lost or of no use. `greet` is sent first, then what was said meanwhile. Rejects with a
   * RoomConnectError, and all is as before.
   */
  async reopen(
    options: WebSocketOptions,
    greet: (response: ReconnectResponse) => SignalRequestMessage,
  ): Promise<ReconnectResponse> {
    const { socket, first, rest } = await openWithFirst(options, readReconnect);
    if (this.#isFinal) {
      socket.on('error', () => undefined).terminate();
      throw new RoomConnectError('server', 'closed here');
    }
    const old = this.#socket;
    this.#attach(socket);
    old.terminate();
    this.#isClosed = false;
    this.send(greet(first));
    const parked = this.#parked;
    this.#parked = [];
    for (const message of parked) this.send(message);
    this.#startPings();
    for (const data of rest) this.#onMessage(data, true);
    socket.resume();
    return first;
  }

  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  /** From now on messages are delivered, first those that have come already, and pings are sent. */
  start(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const message of waiting) this.emit('message', message);
    this.#startPings();
  }

  #startPings(): void {
    clearInterval(this.#pingTimer);
    const intervalMs = sensibleMs(this.join.pingInterval, DEFAULT_PING_INTERVAL_S);
    const timeoutMs = sensibleMs(this.join.pingTimeout, DEFAULT_PING_TIMEOUT_S);
    this.#unansweredSinceMs = undefined;
    // Silence begins an interval before the first ping without an answer.
    const limitMs = Math.max(timeoutMs - intervalMs, intervalMs / 2);
    this.#pingTimer = setInterval(() => this.#ping(limitMs), intervalMs);
  }

  send(message: SignalRequestMessage): void {
    if (message === undefined) return;
    if (this.#isClosed) {
      if (!this.#isFinal && this.#parked.length < MAX_PARKED && !OF_THE_MOMENT.has(message.case ?? ''))
        this.#parked.push(message);
      return;
    }
    this.#socket.send(new SignalRequest({ message }).toBinary());
  }

  /** Says that we go; the server then need not wait for us to come back. */
  sendLeave(): void {
    this.send({
      case: 'leave',
      value: new LeaveRequest({
        reason: DisconnectReason.CLIENT_INITIATED,
        action: LeaveRequest_Action.DISCONNECT,
      }),
    });
  }

  /** Resolves when the socket is closed, after `timeoutMs` at the latest. */
  async close(timeoutMs: number): Promise<void> {
    const wasClosed = this.#isClosed;
    this.#isFinal = true;
    this.#parked = [];
    this.#end('closed here');
    if (wasClosed || this.#socket.readyState === this.#socket.CLOSED) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#socket.terminate(), timeoutMs);
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#socket.close(1000);
    });
  }

  #ping(limitMs: number): void {
    if (this.#isOverdue(limitMs)) {
      // A process that was held up itself finds its timers late, and the answer waiting to be read: sockets are read before immediates run.
      setImmediate(() => this.#judge(limitMs));
      return;
    }
    this.#unansweredSinceMs ??= performance.now();
    const timestamp = BigInt(Date.now());
    this.send({ case: 'pingReq', value: new Ping({ timestamp, rtt: BigInt(Math.round(this.#roundTripMs)) }) });
  }

  #isOverdue(limitMs: number): boolean {
    return this.#unansweredSinceMs !== undefined && performance.now() - this.#unansweredSinceMs > limitMs;
  }

  #judge(limitMs: number): void {
    if (this.#isClosed || !this.#isOverdue(limitMs)) return;
    this.#socket.terminate();
    this.#end('no answer to pings');
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#isClosed || !isBinary) return;
    let message: SignalMessage;
    try {
      message = SignalResponse.fromBinary(data).message;
    } catch {
      this.#socket.terminate();
      this.#end('the server sent what is no SignalResponse');
      return;
    }
    if (message.case === 'pongResp') {
      this.#unansweredSinceMs = undefined;
      this.#roundTripMs = Math.max(0, Date.now() - Number(message.value.lastPingTimestamp));
    } else if (message.case === 'pong') this.#unansweredSinceMs = undefined;
    else if (this.#waiting !== undefined) this.#waiting.push(message);
    else this.emit('message', message);
  }

  #end(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#pingTimer);
    this.emit('closed', reason);
  }
}

/** A timer with a time below a millisecond, or beyond 31 bits, would fire all the time. */
function sensibleMs(seconds: number, defaultSeconds: number): number {
  return (seconds > 0 ? Math.min(seconds, MAX_PING_S) : defaultSeconds) * 1000;
}
