import { AlirtcError, messageOf } from '../../common/errors.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';
import { CoreRestartStep, EngineState } from '../../gen/alirtc/v1/events.js';
import { ConnectionStatus, ConnectionStatusChangeReason, ErrorCode } from '../../gen/alirtc/v1/types.js';
import type { ChannelControl } from './channel_control.js';
import { pause } from './core_supervisor.js';
import type { TellStep } from './core_supervisor.js';
import type { EngineContext } from './engine_context.js';
import type { Join } from './join_request.js';
import type { Settings } from './settings.js';
import type { SettingsControl } from './settings_control.js';
import type { SubscribeControl } from './subscribe_control.js';

/** Of a channel server that cannot be reached, as of a connection that is lost (engine-semantics.md, section 7). */
const REJOIN_LIMIT_MS = 100_000;
const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 10_000;

/** Commands that a core takes in a channel only, or that are about the next join. */
const BEHIND_THE_JOIN: ReadonlySet<string> = new Set(['PUBLISH_SCREEN_SHARE_STREAM', 'SET_REMOTE_VIDEO_STREAM_TYPE']);
const OF_THE_NEXT_JOIN = 'SET_PERIOD_FOR_CHECK_PEOPLE';

export interface ComebackParts {
  channel: ChannelControl;
  settings: SettingsControl;
  subscribing: SubscribeControl;
  kept: Settings;
}

/** Brings an engine whose core process was replaced to where it was: in its channel, with what was published and subscribed there. */
export class Comeback {
  readonly #engine: EngineContext;
  readonly #parts: ComebackParts;

  constructor(engine: EngineContext, parts: ComebackParts) {
    this.#engine = engine;
    this.#parts = parts;
  }

  /** What a new core is not told before the join. Whoever joins again was confirmed once: nobody has to be there now. */
  get skipped(): ReadonlySet<string> {
    const rejoins = this.#parts.channel.isStaying;
    return rejoins ? new Set([...BEHIND_THE_JOIN, OF_THE_NEXT_JOIN]) : BEHIND_THE_JOIN;
  }

  async run(step: TellStep, signal: AbortSignal): Promise<void> {
    const { channel, kept, subscribing } = this.#parts;
    const join = channel.current;
    if (join === undefined) return this.#engine.setState(EngineState.READY, 'the new core service answers');
    const { channel: name, userId } = join;
    const tell: TellStep = (next, facts = {}) => step(next, { channel: name, userId, ...facts });
    this.#takeRole();
    if (!(await this.#rejoin(join, tell, signal))) return;
    tell(CoreRestartStep.REJOINED);
    kept.replay((command, fields) => {
      if (command === OF_THE_NEXT_JOIN) this.#engine.send(command, fields);
    });
    channel.leaveBehindRejoin();
    if (!channel.isJoined) return;
    this.#engine.stay.published.replay((command, fields) => this.#engine.send(command, fields));
    tell(CoreRestartStep.REPUBLISHED);
    await subscribing.sayAgain();
    tell(CoreRestartStep.RESUBSCRIBED);
  }

  /** A role that the old core had not taken yet is what the new one joins with, without a callback of its own. */
  #takeRole(): void {
    const { role: oldRole } = this.#engine.model;
    const newRole = this.#parts.settings.wantedRole;
    if (newRole !== undefined && newRole !== oldRole)
      this.#engine.emit({ $case: 'onUpdateRoleNotify', value: { oldRole, newRole } });
  }

  /** False: the channel is given up. Rejects when the core is not fit for it. */
  async #rejoin(join: Readonly<Join>, tell: TellStep, signal: AbortSignal): Promise<boolean> {
    const { channel } = this.#parts;
    const { clock } = this.#engine;
    const giveUpAtMs = clock.nowMs() + REJOIN_LIMIT_MS;
    for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(MAX_DELAY_MS, 2 * delayMs)) {
      tell(CoreRestartStep.REJOINING);
      const failure = await channel.joinAgain(join).then(() => undefined, asError);
      if (failure === undefined) return true;
      if (signal.aborted || isOfTheCore(failure)) throw failure;
      const text = failure.message;
      if (isFinal(failure) || clock.nowMs() + delayMs > giveUpAtMs) return this.#giveUp(tell, text);
      tell(CoreRestartStep.REJOIN_FAILED, { delayMs, text });
      await pause(delayMs, clock, signal);
      signal.throwIfAborted();
      // LeaveChannel was called meanwhile.
      if (channel.current === undefined) return this.#outAlready();
    }
  }

  #outAlready(): false {
    this.#engine.setState(EngineState.READY, 'left while the core process was restarted');
    return false;
  }

  #giveUp(tell: TellStep, text: string): false {
    tell(CoreRestartStep.REJOIN_FAILED, { text });
    const number = ERROR_NUMBERS.ERR_NETWORK_RECONNECT_FAIL;
    this.#engine.emit({ $case: 'onError', value: { errorCode: ErrorCode.NETWORK_RECONNECT_FAIL, number, text } });
    const value = { status: ConnectionStatus.FAILED, reason: ConnectionStatusChangeReason.JOIN_ROOM_FAILURE };
    this.#engine.emit({ $case: 'onConnectionStatusChanged', value });
    this.#parts.channel.giveUpRejoin(text);
    return false;
  }
}

/** Trying again does not help: the token or a field of the join is at fault. */
function isFinal(error: Error): boolean {
  return error instanceof AlirtcError && error.field !== undefined;
}

/** The core is gone, or does not say anything. */
function isOfTheCore(error: Error): boolean {
  return !(error instanceof AlirtcError) || ['CORE_DIED', 'CORE_SILENT', 'CORE_RESTARTING'].includes(error.reason);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(messageOf(error));
}
