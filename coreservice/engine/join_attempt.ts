import type { Logger } from '../../common/logger.js';
import { AlirtcError } from '../../common/errors.js';
import { CALL_RESULT_NUMBERS, ERROR_NUMBERS } from '../../common/error_codes.js';
import { looksLikeJwt } from '../../common/token/alirtc_token.js';
import { ChannelProfile } from '../ipc/enums.js';
import type { RemoteParticipant, Room, RoomOptions } from '../rtc/types.js';
import type { EngineClock } from './clock.js';
import { withDeadline } from './clock.js';
import { joinError } from './join_failure.js';
import type { JoinRequest } from './join_request.js';
import { ownAttributes, roleName, tokenHasAttributes } from './participant_attributes.js';
import type { Settings } from './settings.js';
import type { ChannelTicket, TokenExchange } from './token_exchange.js';
import { isVisible, profileOf } from './visibility.js';

/** From the join to its result, with a server that says nothing. */
export const JOIN_TIMEOUT_MS = 10_000;

/** The channel server's part of it: its own reason, which names the server, is told then. */
const CONNECT_TIMEOUT_MS = JOIN_TIMEOUT_MS - 500;

export interface JoinAttemptParts {
  settings: Settings;
  clock: EngineClock;
  logger: Logger;
  createRoom: (options: RoomOptions) => Room;
  exchangeToken: TokenExchange;
  defaultUrl: string | undefined;
}

/** One join: ticket, room, profile, attributes, and perhaps the wait for people. It succeeds once or fails once. */
export class JoinAttempt {
  /** To be closed by the owner when run() rejects. */
  room: Room | undefined;
  readonly #abort = new AbortController();
  readonly #aborted: Promise<never>;
  #reject!: (error: Error) => void;
  #resolveDone!: () => void;
  /** The owner has told the result. */
  readonly done: Promise<void> = new Promise((resolve) => (this.#resolveDone = resolve));

  constructor(
    private readonly request: JoinRequest,
    private readonly parts: JoinAttemptParts,
  ) {
    this.#aborted = new Promise((_resolve, reject) => (this.#reject = reject));
    // An abort that nobody waits for any more is no unhandled rejection.
    this.#aborted.catch(() => undefined);
  }

  abort(error: Error): void {
    this.#reject(error);
    this.#abort.abort();
  }

  finished(): void {
    this.#resolveDone();
  }

  async run(): Promise<Room> {
    const { clock } = this.parts;
    const connected = this.#connect();
    // It may fail after the deadline or an abort have answered already.
    connected.catch(() => undefined);
    try {
      const room = await withDeadline(clock, JOIN_TIMEOUT_MS, Promise.race([connected, this.#aborted]), () =>
        joinError('ERR_JOIN_TIMEOUT', `the channel server did not let us in within ${JOIN_TIMEOUT_MS} ms`),
      );
      await Promise.race([this.#people(room), this.#aborted]);
      return room;
    } catch (error) {
      this.#abort.abort();
      throw error;
    }
  }

  async #connect(): Promise<Room> {
    const { createRoom, logger, settings } = this.parts;
    const ticket = await this.#ticket();
    this.#abort.signal.throwIfAborted();
    const room = createRoom({
      ...ticket,
      logger,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      reconnectLimitMs: settings.reconnectLimitMs,
      connections: settings.connections,
    });
    this.room = room;
    room.once('ended', (cause, detail) =>
      this.abort(joinError('ERR_JOIN_FAILED', `the channel ended the join: ${detail || cause}`, cause.toUpperCase())),
    );
    await room.connect();
    // The room tells who was there behind connect()'s own resolution.
    await this.parts.clock.turn();
    this.#checkProfile(room);
    const attributes = ownAttributes(this.#role, this.request.config.channelProfile);
    if (!tokenHasAttributes(ticket.token, attributes)) await room.setAttributes(attributes);
    return room;
  }

  get #role(): 'interactive' | 'live' {
    const communication = this.request.config.channelProfile === ChannelProfile.Communication;
    return roleName(this.parts.settings.roleIn(communication));
  }

  async #ticket(): Promise<ChannelTicket> {
    const { ticket, token, channel, userId, userName, config } = this.request;
    if (ticket !== undefined) return ticket;
    const { settings, defaultUrl } = this.parts;
    const url = settings.url ?? defaultUrl;
    if (url === undefined)
      throw joinError(
        'ERR_JOIN_CONFIG_INVALID',
        'no channel server is known: set ALIRTC_CHANNEL_SERVER_URL or extra {"alirtcd":{"url"}}',
        'NO_CHANNEL_SERVER',
      );
    if (looksLikeJwt(token)) return { url, urls: settings.urls, token };
    const profile = config.channelProfile;
    const request = { url, token, channel, userId, userName, profile, role: this.#role };
    return this.parts.exchangeToken(request, this.#abort.signal);
  }

  /** All users of a channel use the profile of its first one. */
  #checkProfile(room: Room): void {
    const own = this.request.config.channelProfile;
    for (const participant of room.participants.values()) {
      const theirs = profileOf(participant);
      if (theirs !== undefined && theirs !== own)
        throw new AlirtcError('failed_precondition', `the channel uses profile ${theirs}, the join ${own}`, {
          reason: 'ERR_JOIN_PROFILE_MISMATCH',
          number: CALL_RESULT_NUMBERS.ERR_JOIN_PROFILE_MISMATCH,
          field: 'channel_profile',
        });
    }
  }

  /** SetPeriodForCheckPeople: resolves when a streamer is there, rejects when none came in time. */
  #people(room: Room): Promise<void> {
    const { settings, clock } = this.parts;
    const seconds = settings.checkPeopleSeconds;
    const profile = this.request.config.channelProfile;
    const anybody = (): boolean => [...room.participants.values()].some((one) => isVisible(one, profile));
    if (seconds <= 0 || anybody()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const check = (participant: RemoteParticipant): void => {
        if (isVisible(participant, profile)) settle(resolve);
      };
      const timer = clock.after(seconds * 1000, () =>
        settle(() =>
          reject(
            new AlirtcError('failed_precondition', `no streamer was seen within ${seconds} s`, {
              reason: 'ERR_NO_PEOPLE',
              number: ERROR_NUMBERS.ERR_FATAL,
            }),
          ),
        ),
      );
      const settle = (finish: () => void): void => {
        timer.cancel();
        room.off('participant_joined', check);
        room.off('participant_changed', check);
        this.#abort.signal.removeEventListener('abort', onAbort);
        finish();
      };
      const onAbort = (): void => settle(() => undefined);
      room.on('participant_joined', check);
      room.on('participant_changed', check);
      this.#abort.signal.addEventListener('abort', onAbort);
    });
  }
}
