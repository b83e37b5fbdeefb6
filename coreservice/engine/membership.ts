import type { Logger } from '../../common/logger.js';
import { CALL_RESULT_NUMBERS, ERROR_NUMBERS } from '../../common/error_codes.js';
import { AlirtcError } from '../../common/errors.js';
import { ConnectionStatus, ConnectionStatusChangeReason } from '../ipc/enums.js';
import type { Room, RoomEndCause } from '../rtc/types.js';
import type { EngineClock } from './clock.js';
import { withDeadline } from './clock.js';
import { joinFailureOf } from './join_failure.js';
import { JoinAttempt, type JoinAttemptParts } from './join_attempt.js';
import { namesOf, parseJoin, type JoinCommand, type JoinRequest } from './join_request.js';
import type { Outbox } from './outbox.js';

const LEAVE_TIMEOUT_MS = 2000;

export type MembershipState =
  | 'out'
  | 'joining' // a join was accepted, its result is owed
  | 'in'
  | 'leaving'; // a leave was accepted, its result is owed

export interface MembershipParts extends Omit<JoinAttemptParts, 'outbox'> {
  outbox: Outbox;
  clock: EngineClock;
  logger: Logger;
  /** Joined: the result has been told. */
  onEntered(room: Room, request: JoinRequest): void;
  /** Not in the channel any more: the machines go back to Idle. The result, or the error, is told after it. */
  onLeft(): void;
}

/** In which channel we are: every accepted join gets exactly one result, every accepted leave too. */
export class Membership {
  #state: MembershipState = 'out';
  #attempt: JoinAttempt | undefined;
  #room: Room | undefined;
  readonly #closing = new Set<Promise<void>>();

  constructor(private readonly parts: MembershipParts) {}

  get state(): MembershipState {
    return this.#state;
  }

  /** Defined while in a channel. */
  get room(): Room | undefined {
    return this.#state === 'in' ? this.#room : undefined;
  }

  join(command: JoinCommand): void {
    if (this.#state !== 'out')
      throw new AlirtcError('failed_precondition', `a join while ${this.#state === 'in' ? 'joined' : this.#state}`, {
        reason: 'ERR_JOIN_ALREADY_JOINED',
        number: CALL_RESULT_NUMBERS.ERR_JOIN_ALREADY_JOINED,
      });
    let request: JoinRequest;
    try {
      request = parseJoin(command);
    } catch (error) {
      this.#result(namesOf(command), joinFailureOf(error));
      return;
    }
    this.#state = 'joining';
    this.#status(ConnectionStatus.Connecting, ConnectionStatusChangeReason.Connecting);
    const attempt = new JoinAttempt(request, this.parts);
    this.#attempt = attempt;
    void this.#join(attempt, request);
  }

  /** Resolves when the result has been told. */
  async leave(): Promise<void> {
    const { outbox } = this.parts;
    switch (this.#state) {
      case 'leaving':
        return;
      case 'out':
        outbox.event('LEAVE_RESULT', { leaveresult: 0 });
        return;
      case 'joining': {
        this.#state = 'leaving';
        const attempt = this.#attempt;
        attempt?.abort(
          new AlirtcError('cancelled', 'left before the join was done', {
            reason: 'LEFT_WHILE_JOINING',
            number: ERROR_NUMBERS.ERR_JOIN_FAILED,
          }),
        );
        await attempt?.done;
        break;
      }
      case 'in': {
        this.#state = 'leaving';
        const room = this.#room;
        this.parts.onLeft();
        this.#status(ConnectionStatus.Disconnected, ConnectionStatusChangeReason.LeaveRoom);
        if (room !== undefined) await this.#closeRoom(room);
        break;
      }
    }
    this.#room = undefined;
    this.#state = 'out';
    outbox.event('LEAVE_RESULT', { leaveresult: 0 });
  }

  /** For the end of the engine: leaves, and waits for every room that is still closing. */
  async close(): Promise<void> {
    if (this.#state === 'in' || this.#state === 'joining') await this.leave();
    await Promise.all(this.#closing);
  }

  async #join(attempt: JoinAttempt, request: JoinRequest): Promise<void> {
    try {
      const room = await attempt.run();
      this.#enter(room, request);
    } catch (error) {
      if (attempt.room !== undefined) void this.#closeRoom(attempt.room);
      const failure = joinFailureOf(error);
      this.parts.logger.info({ reason: failure.reason, text: failure.text }, 'the join failed');
      if (failure.reason === 'ERR_NO_PEOPLE') this.parts.outbox.error('ERR_NO_PEOPLE', { text: failure.text });
      this.#status(ConnectionStatus.Failed, ConnectionStatusChangeReason.JoinRoomFailure);
      this.#result(request, failure);
      if (this.#state === 'joining') this.#state = 'out';
    } finally {
      this.#attempt = undefined;
      attempt.finished();
    }
  }

  #enter(room: Room, request: JoinRequest): void {
    this.#room = room;
    this.#state = 'in';
    room.on('reconnecting', (reason, detail) => {
      this.#status(
        ConnectionStatus.Reconnecting,
        reason === 'signal'
          ? ConnectionStatusChangeReason.SignalingHeartbeatTimeout
          : ConnectionStatusChangeReason.NetworkInterrupted,
      );
      // Signalling is there, so nothing else tells what is wrong: a firewall, a TURN server without a good certificate.
      if (reason === 'media') this.parts.outbox.warning('MEDIA_LOST', detail);
    });
    room.on('reconnected', () =>
      this.#status(ConnectionStatus.Connected, ConnectionStatusChangeReason.SignalingHeartbeatAlive),
    );
    room.once('ended', (cause, detail) => this.#onEnded(room, cause, detail));
    this.#status(ConnectionStatus.Connected, ConnectionStatusChangeReason.JoinRoomSuccess);
    this.parts.outbox.event('JOIN_RESULT', { joinresult: 0, channel: request.channel, userid: request.userId });
    this.parts.onEntered(room, request);
  }

  /** The room ended without our leaving. */
  #onEnded(room: Room, cause: RoomEndCause, detail: string): void {
    if (this.#state !== 'in' || this.#room !== room) return;
    this.#state = 'out';
    this.#room = undefined;
    this.parts.onLeft();
    void this.#closeRoom(room);
    // A server that shut down was waited for, too: only then does the room end.
    if (cause === 'connection_lost' || cause === 'server_shutdown') {
      this.#status(ConnectionStatus.Failed, ConnectionStatusChangeReason.NetworkInterrupted);
      this.parts.outbox.error('ERR_NETWORK_RECONNECT_FAIL', { text: detail });
      return;
    }
    this.#status(ConnectionStatus.Disconnected, ConnectionStatusChangeReason.LeaveRoom);
    this.parts.outbox.error('ERR_LEAVE_UNUSUAL', { reason: cause.toUpperCase(), text: detail });
  }

  #closeRoom(room: Room): Promise<void> {
    const { clock, logger } = this.parts;
    const closed = withDeadline(
      clock,
      LEAVE_TIMEOUT_MS,
      room.close(),
      () => new Error('the room did not close in time'),
    )
      .catch((error: unknown) => logger.warn({ err: error }, 'leaving the room failed'))
      .finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
    return closed;
  }

  #status(status: ConnectionStatus, reason: ConnectionStatusChangeReason): void {
    this.parts.outbox.event('CONNECTION_STATUS', { status, reason });
  }

  #result(who: { channel: string; userId: string }, failure: { number: number; reason: string; text: string }): void {
    const { number, reason, text } = failure;
    this.parts.outbox.event('JOIN_RESULT', {
      joinresult: number,
      channel: who.channel,
      userid: who.userId,
      alirtcd: { reason, text, number },
    });
  }
}
