import type { MediaTransportFactory } from '../../../webrtc/media_transport.js';
import { messageOf } from '../../../common/errors.js';
import { RoomConnectError } from '../connect_error.js';
import { RoomSession } from '../session/room_session.js';
import type { RoomEndCause, RoomOptions, RoomStats } from '../types.js';
import { ChannelServers } from './channel_servers.js';
import { endCauseOf, mayComeBack } from './leave_reasons.js';
import { Rejoiner } from './rejoiner.js';

/** What a first attempt to come back gets for each server. */
const FIRST_ATTEMPT_MS = 2000;
/** Nobody said that the stay is over. */
const UNREACHABLE = new Set<RoomConnectError['kind']>(['refused', 'timeout', 'certificate']);

/** Whose stays they are. */
export interface StayOwner {
  /** A session has taken its place: who we are, and its events from now on. */
  adopted(session: RoomSession): void;
  /** Behind connect()'s own resolution and what its caller does with it, in front of the session's first event. */
  begin(session: RoomSession): void;
  /** The session is gone; what is wanted stays wanted. */
  dropped(): void;
  /** Replays on a new session what was wanted on the one before. */
  restore(session: RoomSession): Promise<void>;
  reconnecting(reason: 'signal' | 'media', detail: string): void;
  reconnected(): void;
  /** For good; `told` when somebody saw us join. */
  ended(cause: RoomEndCause, detail: string, told: boolean): void;
}

/** The stays on the server, one after the other: joins, notices the loss of one, joins again until the limit has passed, and ends once. */
export class Stays {
  readonly #options: RoomOptions;
  readonly #transports: MediaTransportFactory;
  readonly #owner: StayOwner;
  readonly #rejoiner: Rejoiner;
  readonly #servers: ChannelServers;
  #session: RoomSession | undefined;
  #token: string;
  #state: 'new' | 'connecting' | 'connected' | 'reconnecting' | 'ended' = 'new';
  #hasJoined = false;
  #closing: Promise<void> | undefined;
  /** What was lost first. */
  #lost: 'signal' | 'media' = 'signal';
  /** Since when stays have been joined whose media never came; on the clock of performance.now(). */
  #noMediaSinceMs: number | undefined;
  /** What a reconnection in vain ends as. */
  #lossCause: RoomEndCause = 'connection_lost';
  #released: Promise<void> = Promise.resolve();
  #lostBytes = { sentBytes: 0, receivedBytes: 0 };
  #waiting: { resolve: (session: RoomSession) => void; reject: (error: Error) => void }[] = [];

  constructor(options: RoomOptions, transports: MediaTransportFactory, owner: StayOwner) {
    this.#options = options;
    this.#transports = transports;
    this.#owner = owner;
    this.#token = options.token;
    this.#servers = new ChannelServers([options.url, ...(options.urls ?? [])], options.logger);
    this.#rejoiner = new Rejoiner({
      limitMs: options.reconnectLimitMs,
      attempt: (timeoutMs, number) => this.#comeBack(timeoutMs, number),
      giveUp: (detail) => void this.#end(this.#lossCause, detail, false),
    });
  }

  /** Undefined while there is none. */
  get session(): RoomSession | undefined {
    return this.#session;
  }

  get isOver(): boolean {
    return this.#state === 'ended';
  }

  /** Throws while there is none. */
  connected(): RoomSession {
    if (this.#session === undefined) throw new Error('the room is not connected');
    return this.#session;
  }

  /** Resolves with the session; while the connection is lost and there is none, with the next. Rejects when there will be none. */
  whenConnected(): Promise<RoomSession> {
    if (this.#session !== undefined) return Promise.resolve(this.#session);
    if (this.#state !== 'reconnecting') return Promise.reject(new Error('the room is not connected'));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async connect(): Promise<void> {
    if (this.#state !== 'new') throw new Error('connect() works once');
    this.#state = 'connecting';
    try {
      const session = await this.#join(this.#options.connectTimeoutMs);
      if (this.#closing !== undefined) {
        await session.close(true);
        throw new Error('closed while connecting');
      }
      this.#state = 'connected';
      this.#adopt(session);
    } catch (error) {
      this.#state = 'ended';
      throw error;
    }
  }

  #join(timeoutMs: number): Promise<RoomSession> {
    const { logger } = this.#options;
    return this.#servers.firstOf(timeoutMs, (url, connectTimeoutMs) =>
      RoomSession.join({
        url,
        token: this.#token,
        connectTimeoutMs,
        logger,
        transports: this.#transports,
        connections: this.#options.connections ?? 'auto',
        relayOnly: this.#options.relayOnly ?? false,
      }),
    );
  }

  #adopt(session: RoomSession, then: () => void = () => undefined): void {
    this.#session = session;
    this.#hasJoined = true;
    this.#owner.adopted(session);
    session.on('token', (token) => (this.#token = token));
    session.on('lost', (reason, detail) => this.#onLost(session, reason, detail));
    session.on('left', (request) => {
      const { cause, detail } = endCauseOf(request);
      if (mayComeBack(request)) this.#onLost(session, 'signal', detail, cause);
      else void this.#end(cause, detail, false);
    });
    setImmediate(() => {
      if (this.#session !== session) return;
      this.#owner.begin(session);
      session.start();
      for (const { resolve } of this.#waiting.splice(0)) resolve(session);
      then();
    });
  }

  #onLost(
    session: RoomSession,
    reason: 'signal' | 'media',
    detail: string,
    cause: RoomEndCause = 'connection_lost',
  ): void {
    if (this.#session !== session || this.#state !== 'connected') return;
    this.#lossCause = cause;
    this.#lost = reason;
    if (session.hadMedia) this.#noMediaSinceMs = undefined;
    else if (reason === 'media') this.#noMediaSinceMs ??= performance.now();
    this.#options.logger.warn({ reason, detail }, 'connection lost');
    this.#state = 'reconnecting';
    // A stay that can be resumed is kept, and its media flows on.
    if (!session.canResume) this.#drop(false);
    this.#owner.reconnecting(reason, detail);
    if (this.#closing === undefined) this.#rejoiner.start(detail, this.#noMediaSinceMs);
  }

  /** Lets go of the session; its end goes on behind, and close() waits for it. */
  #drop(sayLeave: boolean): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    const { sentBytes, receivedBytes } = session.stats();
    this.#lostBytes.sentBytes += sentBytes;
    this.#lostBytes.receivedBytes += receivedBytes;
    this.#owner.dropped();
    this.#released = Promise.all([this.#released, session.close(sayLeave)]).then(() => undefined);
  }

  /** One attempt to come back; rejects when another makes sense. */
  async #comeBack(timeoutMs: number, number: number): Promise<void> {
    // Short at first: a server that knows of no room on a dead node takes us at the second or third knock, not after a long wait.
    const patienceMs = Math.min(FIRST_ATTEMPT_MS * 1.3 ** number, this.#options.connectTimeoutMs);
    const attemptMs = Math.min(timeoutMs, patienceMs * this.#servers.count);
    if (!(await this.#resume(attemptMs))) await this.#rejoin(attemptMs);
  }

  /** False when only a new stay helps. Rejects when the server may be there later, and media is not known to be lost. */
  async #resume(timeoutMs: number): Promise<boolean> {
    const session = this.#session;
    if (session === undefined) return false;
    const { logger } = this.#options;
    try {
      if (!session.canResume) throw new Error('media failed');
      await this.#servers.firstOf(timeoutMs, (url, perServerMs) =>
        session.resume({ url, token: this.#token, timeoutMs: perServerMs }, this.#lost),
      );
      await session.whenMediaIsBack();
    } catch (error) {
      const isUnreachable = error instanceof RoomConnectError && UNREACHABLE.has(error.kind);
      if (isUnreachable && session.hasMedia && this.#session === session) throw error;
      logger.warn({ error: messageOf(error) }, 'the stay cannot be resumed, a new one is begun');
      if (this.#session === session) this.#drop(false);
      return this.#state !== 'reconnecting';
    }
    if (this.#state !== 'reconnecting' || this.#session !== session) return true;
    logger.info('the stay goes on');
    this.#state = 'connected';
    this.#owner.reconnected();
    return true;
  }

  async #rejoin(timeoutMs: number): Promise<void> {
    const session = await this.#join(timeoutMs);
    if (this.#state !== 'reconnecting' || this.#closing !== undefined) {
      await session.close(true);
      return;
    }
    this.#state = 'connected';
    this.#adopt(session, () => void this.#restore(session));
  }

  async #restore(session: RoomSession): Promise<void> {
    await this.#owner.restore(session);
    if (this.#session === session && this.#state === 'connected') this.#owner.reconnected();
  }

  /** Says Leave; resolves when everything is closed. Idempotent, bounded. */
  close(): Promise<void> {
    this.#closing ??= this.#end('left', '', true);
    return this.#closing;
  }

  async #end(cause: RoomEndCause, detail: string, sayLeave: boolean): Promise<void> {
    const wasOver = this.#state === 'ended' || this.#state === 'new';
    this.#rejoiner.close();
    if (this.#state !== 'connecting') this.#state = 'ended';
    this.#drop(sayLeave);
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the room has ended'));
    this.#owner.ended(cause, detail, !wasOver && this.#hasJoined);
    await this.#released;
  }

  /** Of all stays. */
  stats(): RoomStats {
    const now = this.#session?.stats() ?? { roundTripMs: 0, sentBytes: 0, receivedBytes: 0 };
    return {
      roundTripMs: now.roundTripMs,
      sentBytes: this.#lostBytes.sentBytes + now.sentBytes,
      receivedBytes: this.#lostBytes.receivedBytes + now.receivedBytes,
    };
  }
}
