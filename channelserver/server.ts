import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { DisconnectReason, LeaveRequest, LeaveRequest_Action } from '@livekit/protocol';
import type { SignalRequest } from '@livekit/protocol';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { messageOf } from '../common/errors.js';
import { Lifecycle } from '../common/lifecycle.js';
import type { Logger } from '../common/logger.js';
import type { TransportFactory } from './forward/transports.js';
import type { Limits, Timing } from './limits.js';
import type { Grants } from './room/grants.js';
import { newSid } from './room/ids.js';
import type { Participant } from './room/participant.js';
import { RequestHandler } from './room/request_handler.js';
import { Room } from './room/room.js';
import { AccessError } from './signal/access.js';
import { accessOf, handleHttp, requestUrl } from './signal/http_api.js';
import { SignalSession } from './signal/signal_session.js';
import type { SignalEnd } from './signal/signal_session.js';
import { JoinRequestError, dualParameters, firstRequests, singleParameters } from './signal/join_parameters.js';
import type { JoinParameters } from './signal/join_parameters.js';
import { joinResponse, reconnectResponse } from './signal/welcome.js';

export interface ChannelServerOptions {
  host: string;
  /** 0: any that is free. */
  port: number;
  keys: ReadonlyMap<string, string>;
  limits: Limits;
  timing: Timing;
  transports: TransportFactory;
  /** Without it /rtc/v1 answers 404, on which clients fall back to two connections on /rtc. */
  singleConnection: boolean;
  logger: Logger;
}

/** A join request with the offer of a browser has 30 kB where it is not compressed. */
const MAX_HEADER_BYTES = 128 * 1024;

/** One machine's channels: HTTP and WebSocket in front, rooms behind. */
export class ChannelServer extends Lifecycle {
  readonly #options: ChannelServerOptions;
  readonly #logger: Logger;
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #rooms = new Map<string, Room>();
  readonly #nodeId = newSid('ND');
  #url = '';

  constructor(options: ChannelServerOptions) {
    super();
    this.#options = options;
    this.#logger = options.logger;
    const httpOptions = { requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: MAX_HEADER_BYTES };
    this.#http = createServer(httpOptions, (request, response) => {
      handleHttp(request, response, {
        keys: options.keys,
        exchangeBodyBytes: options.limits.exchangeBodyBytes,
        joinParameters: (url) => this.#parameters(url),
        url: () => this.#url,
      }).catch((error: unknown) => {
        this.#logger.error({ error }, 'an HTTP request failed');
        response.destroy();
      });
    });
    this.#sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: options.limits.signalMessageBytes,
    });
    this.#http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // A client may vanish while its token is checked.
      socket.on('error', () => socket.destroy());
      this.#upgrade(request, socket, head).catch((error: unknown) => {
        this.#logger.error({ error }, 'an upgrade failed');
        socket.destroy();
      });
    });
  }

  /** ws://host:port; known when started. */
  get url(): string {
    return this.#url;
  }

  get roomCount(): number {
    return this.#rooms.size;
  }

  protected override async onStart(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen(this.#options.port, this.#options.host, () => {
        this.#http.off('error', reject);
        resolve();
      });
    });
    const { address, port, family } = this.#http.address() as AddressInfo;
    this.#url = `ws://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  protected override async onClose(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    const rooms = [...this.#rooms.values()].map((room) => room.close(DisconnectReason.SERVER_SHUTDOWN));
    await withDeadline(Promise.allSettled(rooms), this.#options.timing.shutdownMs);
    for (const socket of this.#sockets.clients) socket.close(1001, 'the server ends');
    const closed = [...this.#sockets.clients].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    await withDeadline(Promise.allSettled(closed), this.#options.timing.shutdownMs / 2);
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#sockets.close();
    this.#http.closeAllConnections();
    await withDeadline(stopped, this.#options.timing.shutdownMs / 2);
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    let grants: Grants;
    let parameters: JoinParameters | undefined;
    try {
      parameters = this.#parameters(requestUrl(request));
      if (parameters === undefined) return refuse(socket, 404, 'not found');
      grants = await accessOf(request, this.#options.keys);
    } catch (error) {
      const status = error instanceof AccessError ? 401 : 400;
      if (!(error instanceof AccessError || error instanceof JoinRequestError)) throw error;
      this.#logger.info({ reason: error.message }, 'a join was refused');
      return refuse(socket, status, error.message);
    }
    if (socket.destroyed) return;
    const full = this.#refusal(grants);
    if (full !== undefined) {
      this.#logger.warn({ reason: full, room: grants.room }, 'a join was refused');
      return refuse(socket, 503, full);
    }
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      if (this.state !== 'ready') webSocket.close(1001, 'the server ends');
      else if (parameters.reconnect) this.#resume(webSocket, grants, parameters);
      else this.#join(webSocket, grants, parameters);
    });
  }

  /** Undefined where no room is. Throws a JoinRequestError. */
  #parameters({ pathname, searchParams }: URL): JoinParameters | undefined {
    const { limits, singleConnection } = this.#options;
    if (pathname === '/rtc') return dualParameters(searchParams);
    return pathname === '/rtc/v1' && singleConnection
      ? singleParameters(searchParams, limits.signalMessageBytes)
      : undefined;
  }

  /** Which limit a join would break. */
  #refusal(grants: Grants): string | undefined {
    const { limits } = this.#options;
    const room = this.#rooms.get(grants.room);
    if (room === undefined && this.#rooms.size >= limits.rooms) return `the server has at most ${limits.rooms} rooms`;
    if (room?.has(grants.identity) === true) return undefined;
    if (room !== undefined && room.size >= limits.participantsPerRoom)
      return `the room is full: at most ${limits.participantsPerRoom} participants`;
    const participants = [...this.#rooms.values()].reduce((sum, { size }) => sum + size, 0);
    if (participants >= limits.participants) return `the server is full: at most ${limits.participants} participants`;
    return undefined;
  }

  /** A client comes back to its place; where that is gone it has to join anew. */
  #resume(webSocket: WebSocket, grants: Grants, { participantSid }: JoinParameters): void {
    const room = this.#rooms.get(grants.room);
    const participant = room?.get(grants.identity);
    const session = this.#session(webSocket, participant?.logger ?? this.#logger);
    if (
      room !== undefined &&
      participant !== undefined &&
      (participantSid === '' || participantSid === participant.sid)
    ) {
      const first = [
        { case: 'reconnect', value: reconnectResponse(this.#nodeId) },
        { case: 'update', value: room.present(participant) },
      ] as const;
      if (participant.resume(session, first)) {
        participant.logger.info('is back');
        return this.#listen(room, participant, session, []);
      }
    }
    session.send({
      case: 'leave',
      value: new LeaveRequest({
        reason: DisconnectReason.STATE_MISMATCH,
        action: LeaveRequest_Action.RECONNECT,
        canReconnect: true,
      }),
    });
    session.end();
  }

  #listen(room: Room, participant: Participant, session: SignalSession, first: readonly SignalRequest[]): void {
    const handler = new RequestHandler(room, participant, this.#options.limits);
    const ended = (cause: SignalEnd): void => {
      // Another connection may have taken its place.
      if (!participant.link.isCurrent(session)) return;
      const finish = (): void => room.finished(participant, leaveReason(cause), undefined);
      const mayComeBack = cause === 'lost' || cause === 'silent';
      if (mayComeBack && participant.awaitResume(finish)) participant.logger.info({ cause }, 'lost its signalling');
      else finish();
    };
    session.listen({ request: (request) => handler.handle(request), ended }, first);
  }

  #join(webSocket: WebSocket, grants: Grants, parameters: JoinParameters): void {
    const { timing, transports } = this.#options;
    const logger = this.#logger.child({ room: grants.room, identity: grants.identity });
    const session = this.#session(webSocket, logger);
    const room = this.#room(grants.room, transports);
    const participant = room.join(grants, session, parameters, (joined, others) =>
      session.send({
        case: 'join',
        value: joinResponse(room, joined, others, { nodeId: this.#nodeId, timing, parameters }),
      }),
    );
    this.#listen(room, participant, session, firstRequests(parameters));
  }

  #room(name: string, transports: TransportFactory): Room {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    const { limits, timing } = this.#options;
    const room = new Room(name, { limits, timing, transports, logger: this.#logger }, (empty) => {
      if (this.#rooms.get(name) === empty) this.#rooms.delete(name);
    });
    this.#rooms.set(name, room);
    return room;
  }

  #session(webSocket: WebSocket, logger: Logger): SignalSession {
    const { limits, timing } = this.#options;
    return new SignalSession(webSocket, {
      queueBytes: limits.signalQueueBytes,
      pendingRequests: limits.pendingRequests,
      // A ping may be on its way when the time is up.
      silenceMs: timing.pingTimeoutMs + timing.pingIntervalMs,
      logger,
    });
  }

  protected override onCloseError(error: unknown): void {
    this.#logger.error({ reason: messageOf(error) }, 'closing failed');
  }
}

function leaveReason(cause: SignalEnd): DisconnectReason {
  switch (cause) {
    case 'closed':
    case 'lost':
      return DisconnectReason.SIGNAL_CLOSE;
    case 'silent':
      return DisconnectReason.CONNECTION_TIMEOUT;
    case 'protocol_error':
    case 'flooded':
    case 'request_failed':
      return DisconnectReason.STATE_MISMATCH;
  }
}

function refuse(socket: Duplex, status: 400 | 401 | 404 | 503, text: string): void {
  const names = { 400: 'Bad Request', 401: 'Unauthorized', 404: 'Not Found', 503: 'Service Unavailable' };
  socket.end(
    `HTTP/1.1 ${status} ${names[status]}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n${text}`,
  );
}

async function withDeadline(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}
