import { AlirtcError, messageOf } from '../../common/errors.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';
import { headOfText } from '../../common/text_limits.js';
import type { CallbackFields } from '../../coreservice/ipc/callbacks.js';
import type { JoinConfigFields } from '../../coreservice/ipc/commands.js';
import { ChannelProfile } from '../../coreservice/ipc/enums.js';
import type { JoinExtension } from '../../coreservice/ipc/extension.js';
import type {
  JoinChannelRequest,
  JoinChannelResponse,
  LeaveChannelRequest,
  LeaveChannelResponse,
} from '../../gen/alirtc/v1/engine.js';
import { EngineState } from '../../gen/alirtc/v1/events.js';
import { ClientRole } from '../../gen/alirtc/v1/types.js';
import { outcomeOf } from './callback_event.js';
import type { EngineContext } from './engine_context.js';
import { checkJoin, exchangeRequest } from './join_request.js';
import type { Join } from './join_request.js';
import { sendJoin } from './join_command.js';
import { checkMayJoin } from './join_state.js';
import { Rejoin } from './rejoin.js';
import { waitForJoin, waitForLeave } from './channel_waits.js';
import type { ExchangeRequest } from './token_exchange.js';

/** engine-semantics.md, section 2. */
export const JOIN_DEADLINE_MS = 10_000;
/** The core has the same deadline; its own answer says more. */
const JOIN_SLACK_MS = 1_000;
const LEAVE_DEADLINE_MS = 5_000;
const MAX_TEXT_BYTES = 1_000;

export interface ChannelControlOptions {
  /** Checks and exchanges a token; throws what the join fails with. */
  exchange: (request: ExchangeRequest, acceptedAtSeconds?: number) => Promise<JoinExtension | undefined>;
  /** Called with the config of every join, before it is sent. */
  onJoin: (config: JoinConfigFields) => void;
}

/** Joining and leaving: one channel at a time, exactly one result for every accepted join. */
export class ChannelControl {
  readonly #engine: EngineContext;
  readonly #options: ChannelControlOptions;
  #join: Join | undefined;
  #cancelDeadline: () => void = () => undefined;
  /** The join's result has been told already: its end is only awaited. */
  #quietLeave = false;
  /** Why the daemon refused the join: it says more than the event, which has a number and a text. */
  #refusal: AlirtcError | undefined;
  #rejoin: Rejoin | undefined;
  /** LeaveChannel came while the join was being made again: it follows behind. */
  #leaveWanted = false;
  /** Seconds of SetPeriodForCheckPeople, which put off the confirmation of a join. */
  checkPeopleSeconds = 0;

  constructor(engine: EngineContext, options: ChannelControlOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  /** The join that is under way or stands. */
  get current(): Readonly<Join> | undefined {
    return this.#join;
  }

  get isJoined(): boolean {
    return this.#engine.model.state === EngineState.JOINED;
  }

  /** In the channel, or out of it only until a new core process has joined it again. */
  get isStaying(): boolean {
    const { state } = this.#engine.model;
    return this.#join !== undefined && (state === EngineState.JOINED || state === EngineState.RESTARTING);
  }

  /** Audience may not publish; in the communication profile there is none. */
  get isAudience(): boolean {
    return (
      this.#join?.config.channelProfile !== ChannelProfile.Communication &&
      this.#engine.model.role !== ClientRole.INTERACTIVE
    );
  }

  /** Resolves when the engine is in a channel, however long that takes. Rejects when the signal aborts or the engine ends. */
  async whenJoined(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (!this.isJoined)
      await this.#engine.log.waitFor({
        what: 'a channel to push into',
        signal,
        match: (event) =>
          event.$case === 'engineStateChanged' && event.value.newState === EngineState.JOINED ? true : undefined,
      });
  }

  async join(request: JoinChannelRequest, signal: AbortSignal): Promise<JoinChannelResponse> {
    checkMayJoin(this.#engine.model.state, this.#join?.channel ?? '');
    const join = checkJoin(request, this.#engine.clock.nowMs());
    const timeoutMs = this.#joinDeadlineMs() + 2 * JOIN_SLACK_MS;
    const outcome = request.wait
      ? waitForJoin(this.#engine.log, join, { timeoutMs, signal, refused: () => this.#refusal })
      : undefined;
    this.#accept(join);
    void this.#send(join);
    await outcome;
    return { result: 0, channel: join.channel, userId: join.userId };
  }

  async leave(request: LeaveChannelRequest, signal: AbortSignal): Promise<LeaveChannelResponse> {
    const { state } = this.#engine.model;
    if (state === EngineState.RESTARTING) return this.#leaveWhileRestarting(request.wait, signal);
    const mayLeave = state === EngineState.JOINED || state === EngineState.JOINING;
    if (!mayLeave && state !== EngineState.LEAVING) return { result: 0 };
    const left = request.wait ? this.#waitForLeave(signal) : undefined;
    if (mayLeave) this.#startLeave('LeaveChannel', LEAVE_DEADLINE_MS);
    return { result: (await left) ?? 0 };
  }

  /** For the end of the engine: leaves when there is something to leave. Resolves when left, at the latest after that time. */
  async leaveAtEnd(reason: string, deadlineMs: number): Promise<void> {
    const { state } = this.#engine.model;
    if (state !== EngineState.JOINED && state !== EngineState.JOINING) return;
    const left = this.#waitForLeave(undefined, deadlineMs + JOIN_SLACK_MS);
    this.#startLeave(reason, deadlineMs);
    await left.catch(() => undefined);
  }

  onJoinResult(fields: CallbackFields<'JOIN_RESULT'>): void {
    this.#rejoin?.onJoinResult(fields.joinresult, outcomeOf(fields).text);
    if (this.#engine.model.state !== EngineState.JOINING) return;
    const { text } = outcomeOf(fields);
    this.#settleJoin(fields.joinresult, text);
  }

  onLeaveResult(fields: CallbackFields<'LEAVE_RESULT'>): void {
    const { state } = this.#engine.model;
    if (state !== EngineState.LEAVING && state !== EngineState.JOINED) return;
    this.#left(fields.leaveresult, 'left');
  }

  /** The core says that it is out of the channel against its will. */
  onRemoved(reason: string): void {
    if (this.#engine.model.state === EngineState.JOINING) this.#settleJoin(ERROR_NUMBERS.ERR_LEAVE_UNUSUAL, reason);
    else if (this.isJoined) this.#out(reason);
  }

  /** The core process is gone, for good unless it is replaced. */
  onCoreDied(): void {
    if (this.#engine.model.state === EngineState.JOINING && !this.#quietLeave)
      this.#settleJoin(ERROR_NUMBERS.ERR_NETWORK_DISCONNECT, 'the core process died');
    this.#cancelDeadline();
  }

  /** The core process is gone, and another one takes its place: what was under way has its result, and a channel that stood is joined again. */
  onCoreReplaced(): void {
    this.onCoreDied();
    if (this.#engine.model.state === EngineState.LEAVING)
      this.#left(ERROR_NUMBERS.ERR_NETWORK_DISCONNECT, 'the core process died');
  }

  /** The join that stood is made again. Rejects with what it failed with. */
  async joinAgain(join: Readonly<Join>): Promise<void> {
    const rejoin = new Rejoin(this.#engine, join);
    this.#rejoin = rejoin;
    try {
      const extension = await this.#options.exchange(exchangeRequest(join, this.isAudience), join.acceptedAtMs / 1000);
      rejoin.check();
      this.#options.onJoin(join.config);
      await rejoin.send(extension, JOIN_DEADLINE_MS + JOIN_SLACK_MS);
      this.#engine.setState(EngineState.JOINED, 'joined again');
    } finally {
      this.#rejoin = undefined;
    }
  }

  /** The core that was to join again is gone. */
  onRejoinLost(error: Error): void {
    this.#rejoin?.fail(error);
  }

  /** A LeaveChannel that came meanwhile is done now. */
  leaveBehindRejoin(): void {
    if (this.#leaveWanted && this.isJoined) this.#startLeave('LeaveChannel', LEAVE_DEADLINE_MS);
    this.#leaveWanted = false;
  }

  /** The channel that was to be joined again is given up. */
  giveUpRejoin(reason: string): void {
    this.#out(reason);
    if (this.#leaveWanted) this.#engine.emit({ $case: 'onLeaveChannelResult', value: { result: 0 } });
    this.#leaveWanted = false;
  }

  async #leaveWhileRestarting(wait: boolean, signal: AbortSignal): Promise<LeaveChannelResponse> {
    if (this.#join === undefined) return { result: 0 };
    const left = wait ? this.#waitForLeave(signal) : undefined;
    // What the new core has been told cannot be taken back without a trace: the leave follows it.
    if (this.#rejoin !== undefined) this.#leaveWanted = true;
    else {
      this.#join = undefined;
      this.#engine.emit({ $case: 'onLeaveChannelResult', value: { result: 0 } });
    }
    return { result: (await left) ?? 0 };
  }

  #accept(join: Join): void {
    this.#join = join;
    this.#quietLeave = false;
    this.#refusal = undefined;
    this.#leaveWanted = false;
    this.#engine.stay.clear();
    this.#engine.setState(EngineState.JOINING, `joining channel ${join.channel}`);
    const deadlineMs = this.#joinDeadlineMs() + JOIN_SLACK_MS;
    this.#cancelDeadline = this.#engine.clock.after(deadlineMs, () => this.#joinTimedOut(deadlineMs));
  }

  /** A wrong token is a result of the join, so this never rejects. */
  async #send(join: Join): Promise<void> {
    try {
      const extension = await this.#options.exchange(exchangeRequest(join, this.isAudience));
      if (this.#join !== join || this.#engine.model.state !== EngineState.JOINING) return;
      this.#options.onJoin(join.config);
      sendJoin(this.#engine, join, extension);
    } catch (error) {
      if (this.#join !== join || this.#engine.model.state !== EngineState.JOINING) return;
      const number = error instanceof AlirtcError ? error.number : undefined;
      if (number === undefined) this.#engine.logger.error({ err: error }, 'the join could not be sent');
      const text =
        error instanceof AlirtcError && error.field !== undefined
          ? `${error.field}: ${error.message}`
          : messageOf(error);
      if (error instanceof AlirtcError) this.#refusal = error;
      this.#settleJoin(number ?? ERROR_NUMBERS.ERR_JOIN_FAILED, text);
    }
  }

  #settleJoin(result: number, why: string): void {
    const text = headOfText(why, MAX_TEXT_BYTES);
    const join = this.#join;
    this.#cancelDeadline();
    const { channel = '', userId = '' } = join ?? {};
    if (result === 0) this.#engine.setState(EngineState.JOINED, 'joined');
    else this.#out(text === '' ? 'the join failed' : text);
    this.#engine.emit({ $case: 'onJoinChannelResult', value: { result, channel, userId, text } });
  }

  #joinTimedOut(deadlineMs: number): void {
    if (this.#engine.model.state !== EngineState.JOINING) return;
    const { channel = '', userId = '' } = this.#join ?? {};
    const text = `no result in ${deadlineMs} ms`;
    this.#startLeave('the join timed out', LEAVE_DEADLINE_MS, true);
    const value = { result: ERROR_NUMBERS.ERR_JOIN_TIMEOUT, channel, userId, text };
    this.#engine.emit({ $case: 'onJoinChannelResult', value });
  }

  #startLeave(reason: string, deadlineMs: number, quiet = false): void {
    const wasJoining = this.#engine.model.state === EngineState.JOINING;
    const { channel = '', userId = '' } = this.#join ?? {};
    this.#cancelDeadline();
    this.#quietLeave = quiet;
    this.#engine.setState(EngineState.LEAVING, reason);
    // Every accepted join has its result, also one that is taken back.
    if (wasJoining && !quiet)
      this.#engine.emit({
        $case: 'onJoinChannelResult',
        value: { result: ERROR_NUMBERS.ERR_JOIN_FAILED, channel, userId, text: `${reason} came before the result` },
      });
    this.#cancelDeadline = this.#engine.clock.after(deadlineMs, () =>
      this.#left(ERROR_NUMBERS.ERR_NETWORK_TIMEOUT, `the core did not confirm in ${deadlineMs} ms`),
    );
    try {
      this.#engine.send('LEAVE_CHANNEL', {});
    } catch (error) {
      this.#left(ERROR_NUMBERS.ERR_NETWORK_DISCONNECT, messageOf(error));
    }
  }

  #left(result: number, reason: string): void {
    const quiet = this.#quietLeave;
    this.#out(reason);
    if (!quiet) this.#engine.emit({ $case: 'onLeaveChannelResult', value: { result } });
  }

  /** In no channel any more. */
  #out(reason: string): void {
    this.#cancelDeadline();
    this.#join = undefined;
    this.#engine.setState(EngineState.READY, reason);
    this.#quietLeave = false;
  }

  #joinDeadlineMs(): number {
    return JOIN_DEADLINE_MS + Math.max(0, this.checkPeopleSeconds) * 1000;
  }

  #waitForLeave(signal: AbortSignal | undefined, timeoutMs?: number): Promise<number> {
    return waitForLeave(this.#engine.log, { signal, timeoutMs, isQuiet: () => this.#quietLeave });
  }
}
