import { ERROR_NUMBERS } from '../../common/error_codes.js';
import type { Logger } from '../../common/logger.js';
import type { Callback } from '../../coreservice/ipc/callbacks.js';
import type { CoreRestart } from '../../gen/alirtc/v1/events.js';
import { EngineState } from '../../gen/alirtc/v1/events.js';
import { ConnectionStatus, ConnectionStatusChangeReason, ErrorCode } from '../../gen/alirtc/v1/types.js';
import type { Clock } from '../clock.js';
import { coreRestarts } from '../refusals.js';
import { Comeback } from './comeback.js';
import type { SupervisedEngine, TellStep } from './core_supervisor.js';
import type { EngineCore } from './engine_core.js';
import type { EngineSession, EngineSessionOptions } from './engine_session.js';
import type { Settings } from './settings.js';
import { placeOf } from './token_exchange.js';

export interface CoreCareOptions extends EngineSessionOptions {
  /** What a new core is told. */
  kept: Settings;
  route: (callback: Callback) => void;
  /** Lets go of the shared memory of a core that is gone. */
  forgetPictures: () => void;
  onGivenUp: (error: Error) => void;
}

/** From CREATE to the first answer. */
const HELLO_DEADLINE_MS = 10_000;
const LATE_MS = 1_000;
const INTERRUPTED = {
  status: ConnectionStatus.RECONNECTING,
  reason: ConnectionStatusChangeReason.NETWORK_INTERRUPTED,
};

/** What an engine session does for its core processes: starts and greets them, and tells the session's parts when one is lost or replaced. */
export class CoreCare implements SupervisedEngine {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onGivenUp: (error: Error) => void;
  readonly #session: EngineSession;
  readonly #options: CoreCareOptions;
  readonly #comeback: Comeback;
  /** Callbacks of a core that is lost are nobody's. */
  #coreNumber = 0;

  constructor(session: EngineSession, options: CoreCareOptions) {
    this.clock = session.clock;
    this.logger = session.logger;
    this.onGivenUp = options.onGivenUp;
    this.#session = session;
    this.#options = options;
    const { channel, settings, subscribing } = session;
    this.#comeback = new Comeback(session, { channel, settings, subscribing, kept: options.kept });
  }

  startCore(signal: AbortSignal): Promise<EngineCore> {
    const { engineId, servicePath, lowPort, highPort, logPath, startCore, route } = this.#options;
    const number = (this.#coreNumber += 1);
    const onCallback = (callback: Callback): void => {
      if (number === this.#coreNumber) route(callback);
    };
    return startCore({ engineId, servicePath, lowPort, highPort, logPath, onCallback, signal });
  }

  /** How the engine was created, what we want beyond the vendor's protocol, the settings. The first answer is the proof that the core reads and writes. */
  async greet(core: EngineCore): Promise<void> {
    const { logPath, h5mode, extra, channelServers, engineId, kept } = this.#options;
    const { push, media, answers } = this.#session;
    const alirtcd = { engineId, ...placeOf(channelServers().urls) };
    core.send('CREATE_RTC_ENGINE', { logPath, h5mode, extra, alirtcd });
    push.reset();
    this.#session.sendParameter({ credits: true, pictureRing: true });
    media.announceDemand();
    kept.replay((name, fields) => core.send(name, fields), this.#comeback.skipped);
    // Its answer tells whether the core counts what it consumes.
    void answers.remainBuffer().catch(() => undefined);
    await answers.sdkVersion(HELLO_DEADLINE_MS);
  }

  ask(): Promise<string> {
    // The heartbeat judges; an answer that is late for others is one all the same.
    return this.#session.answers.sdkVersion(this.#options.heartbeat.limitMs + LATE_MS);
  }

  onLost(error: Error, restarts: boolean): void {
    const { answers, channel } = this.#session;
    this.#coreNumber += 1;
    const number = ERROR_NUMBERS.ERR_NETWORK_DISCONNECT;
    const text = headline(error);
    this.#session.emit({ $case: 'onError', value: { errorCode: ErrorCode.NETWORK_DISCONNECT, number, text } });
    if (!restarts) return channel.onCoreDied();
    answers.fail(coreRestarts(error));
    const wasJoined = channel.isJoined;
    channel.onCoreReplaced();
    this.#session.setState(EngineState.RESTARTING, text);
    if (wasJoined) this.#session.emit({ $case: 'onConnectionStatusChanged', value: INTERRUPTED });
    this.#cut();
  }

  onAttemptLost(error: Error): void {
    const { answers, channel } = this.#session;
    this.#coreNumber += 1;
    const lost = coreRestarts(error);
    answers.fail(lost);
    channel.onRejoinLost(lost);
    this.#session.setState(EngineState.RESTARTING, headline(error));
    this.#cut();
  }

  comeBack(step: TellStep, signal: AbortSignal): Promise<void> {
    return this.#comeback.run(step, signal);
  }

  tell(value: CoreRestart): void {
    this.#session.emit({ $case: 'coreRestart', value });
  }

  /** Frames and pushes: nothing of the old core goes on. */
  #cut(): void {
    this.#session.push.interrupt();
    this.#session.media.coreReplaced();
    this.#options.forgetPictures();
  }
}

function headline(error: Error): string {
  return error.message.split('\n')[0] ?? '';
}
