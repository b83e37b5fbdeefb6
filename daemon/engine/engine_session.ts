import { PictureRingReader } from '../../common/picture_ring.js';
import type { PictureReference } from '../../common/picture_ring.js';
import type { EndCause } from '../../common/lifecycle.js';
import { Lifecycle } from '../../common/lifecycle.js';
import type { Logger } from '../../common/logger.js';
import { AlirtcError, messageOf } from '../../common/errors.js';
import type { CommandFields, CommandName } from '../../coreservice/ipc/commands.js';
import type { ParameterExtension } from '../../coreservice/ipc/extension.js';
import { EndCause as EndCauseOfEngine, EngineState } from '../../gen/alirtc/v1/events.js';
import type { EngineSnapshot } from '../../gen/alirtc/v1/events.js';
import type { Clock } from '../clock.js';
import { EventLog } from '../events/event_log.js';
import type { EngineEvent } from '../events/event_log.js';
import { EventReader } from '../events/event_reader.js';
import { MediaHub } from '../media/media_hub.js';
import { coreRestarts, refusal } from '../refusals.js';
import { Answers } from './answers.js';
import { CallbackRouter } from './callback_router.js';
import { ChannelControl } from './channel_control.js';
import type { FindChannelServers } from './channel_servers.js';
import { CoreCare } from './core_care.js';
import type { HeartbeatOptions } from './core_heartbeat.js';
import type { RestartPolicy } from './core_restart_policy.js';
import { CoreSupervisor } from './core_supervisor.js';
import { endCause, endDetail, leaseDetail } from './engine_end.js';
import { EndListeners } from './end_listeners.js';
import type { EngineContext } from './engine_context.js';
import type { StartEngineCore } from './engine_core.js';
import { EngineModel } from './engine_model.js';
import { PublishControl } from './publish_control.js';
import { PushControl } from './push_control.js';
import { Lease } from './lease.js';
import { MessageControl } from './message_control.js';
import { Settings } from './settings.js';
import { RolePermission } from './role_permission.js';
import { updatePermission } from './room_service.js';
import type { UpdatePermission } from './room_service.js';
import { SettingsControl } from './settings_control.js';
import { Stay } from './stay.js';
import { SubscribeControl } from './subscribe_control.js';
import { exchangeToken } from './token_exchange.js';

export interface EngineSessionOptions {
  engineId: string;
  servicePath: string;
  /** A core with a cloud of its own. */
  foreignCore: boolean;
  lowPort: number;
  highPort: number;
  logPath: string;
  h5mode: boolean;
  /** JSON text of an object. */
  extra: string;
  keys: ReadonlyMap<string, string>;
  channelServers: FindChannelServers;
  /** Of a LiveKit server; default its room service. */
  updatePermission?: UpdatePermission;
  eventRing: number;
  /** Default 8 MB. */
  eventRingBytes?: number;
  startCore: StartEngineCore;
  coreRestart: RestartPolicy;
  heartbeat: HeartbeatOptions;
  /** Where cores make the sockets of their picture lanes; only the daemon's user may enter. Default: no lanes. */
  laneFolder?: string;
  /** 0: detached. */
  leaseSeconds: number;
  clock: Clock;
  logger: Logger;
}

const LEAVE_AT_END_MS = 2_000;
const NEW_ENGINE = { remedy: 'create a new engine' };

/**
 * One engine: its desired state and one live core process at a time. The parts hold the state (settings, channel, what is published, subscribed and pushed); this
 * class owns the supervisor of the core, the event log and the media hub, and ends them.
 */
export class EngineSession extends Lifecycle implements EngineContext {
  readonly engineId: string;
  readonly ends = new EndListeners(this.done);
  readonly log: EventLog;
  readonly model = new EngineModel();
  readonly clock: Clock;
  readonly logger: Logger;
  readonly media: MediaHub;
  readonly channel: ChannelControl;
  readonly permission: RolePermission;
  readonly publishing: PublishControl;
  readonly subscribing: SubscribeControl;
  readonly push: PushControl;
  readonly settings: SettingsControl;
  readonly messages: MessageControl;
  readonly answers: Answers;
  readonly stay = new Stay();
  readonly lease: Lease;
  /** Where it joins. */
  readonly channelServers: FindChannelServers;
  readonly #kept = new Settings();
  readonly #callbacks: CallbackRouter;
  readonly #supervisor: CoreSupervisor;
  #endedByItself = false;
  #leaseExpired = false;
  readonly #pictures = new PictureRingReader();

  constructor(options: EngineSessionOptions) {
    super();
    this.engineId = options.engineId;
    this.channelServers = options.channelServers;
    this.clock = options.clock;
    this.logger = options.logger.child({ engineId: options.engineId });
    this.log = new EventLog(options.clock, options.eventRing, options.eventRingBytes);
    this.media = new MediaHub(
      {
        demand: (demand, pictureLanes) =>
          this.sendParameter({ demand, ...(pictureLanes === undefined ? {} : { pictureLanes }) }),
        requestKeyFrame: (uid, track) => this.sendParameter({ requestKeyFrame: { uid, track } }),
        readPicture: (reference) => this.#readPicture(reference),
      },
      options.clock,
      options.laneFolder,
    );
    this.lease = new Lease(options.leaseSeconds, this.clock, () => this.#onLeaseExpired());
    this.permission = new RolePermission({
      keys: options.keys,
      channelServers: options.channelServers,
      logger: this.logger,
      updatePermission: options.updatePermission ?? updatePermission,
    });
    this.channel = new ChannelControl(this, {
      exchange: (request, acceptedAtSeconds) => {
        this.permission.joins(request);
        return exchangeToken(request, {
          keys: options.keys,
          channelServers: options.channelServers(),
          foreignCore: options.foreignCore,
          nowSeconds: this.clock.nowMs() / 1000,
          acceptedAtSeconds,
        });
      },
      onJoin: (config) => {
        this.model.joining(config.channelProfile);
        this.push.onJoin(config);
      },
    });
    this.answers = new Answers(this);
    this.publishing = new PublishControl(this, this.channel);
    this.subscribing = new SubscribeControl(this, this.channel, this.answers.testRound);
    this.push = new PushControl(this, this.channel, () => this.#supervisor.core?.drained() ?? Promise.resolve());
    this.settings = new SettingsControl(this, this.channel, this.publishing, this.permission);
    this.messages = new MessageControl(this, this.channel, this.settings);
    this.#callbacks = new CallbackRouter(this);
    const care = new CoreCare(this, {
      ...options,
      kept: this.#kept,
      route: (callback) => this.#callbacks.route(callback),
      forgetPictures: () => this.#pictures.close(),
      onGivenUp: (error) => {
        this.#endedByItself = true;
        void this.close({ kind: 'failed', error });
      },
    });
    this.#supervisor = new CoreSupervisor(care, { policy: options.coreRestart, heartbeat: options.heartbeat });
  }

  /** True: the core process died. */
  get endedByItself(): boolean {
    return this.#endedByItself;
  }

  get corePort(): number {
    return this.#supervisor.core?.port ?? 0;
  }

  /** 0 while there is none. */
  get coreProcessId(): number {
    return this.#supervisor.core?.pid ?? 0;
  }

  /** How often another core process took the place of one that died. */
  get coreRestarts(): number {
    return this.#supervisor.restarts;
  }

  snapshot(): EngineSnapshot {
    return this.model.snapshot(this.engineId, this.log.oldest, this.lease.seconds);
  }

  /** Throws OUT_OF_RANGE. */
  openEvents(fromSequence: number): EventReader {
    return new EventReader(this.log, fromSequence, () => this.snapshot());
  }

  emit(event: EngineEvent): void {
    this.model.apply(event);
    if (event.$case === 'onRemoteUserOffLineNotify') this.media.forgetUser(event.value.uid);
    this.log.append(event);
    this.permission.onEvent(event, this.model.role);
  }

  setState(state: EngineState, reason: string): void {
    const oldState = this.model.state;
    if (oldState === state) return;
    // The way to the end is one way.
    if (oldState === EngineState.CLOSED || oldState === EngineState.FAILED) return;
    if (oldState === EngineState.CLOSING && state !== EngineState.CLOSED) return;
    this.logger.debug({ from: EngineState[oldState], to: EngineState[state], reason }, 'engine state');
    this.emit({ $case: 'engineStateChanged', value: { oldState, newState: state, reason } });
  }

  send<N extends CommandName>(name: N, fields: CommandFields<N>, payload?: Uint8Array): void {
    const { core } = this.#supervisor;
    if (core === undefined || this.#endedByItself) throw this.#coreIsGone();
    try {
      core.send(name, fields, payload);
    } catch (error) {
      // The connection has ended a moment before its end is told.
      throw error instanceof AlirtcError && error.class === 'unavailable' ? this.#coreIsGone(error) : error;
    }
  }

  set<N extends CommandName>(slot: string, name: N, fields: CommandFields<N>): void {
    try {
      this.send(name, fields);
    } catch (error) {
      if (!(error instanceof AlirtcError) || error.reason !== 'CORE_RESTARTING') throw error;
    }
    this.#kept.set(slot, name, fields);
  }

  /** Says something to a core of ours; silently nothing when there is none. */
  sendParameter(parameter: ParameterExtension): void {
    try {
      this.#supervisor.core?.send('SET_PARAMETER', { param: JSON.stringify({ alirtcd: parameter }) });
    } catch (error) {
      this.logger.debug({ err: error }, 'the core is gone already');
    }
  }

  protected override async onStart(): Promise<void> {
    await this.#supervisor.start();
    this.setState(EngineState.READY, 'the core service answers');
    this.lease.start();
  }

  protected override async onClose(cause: EndCause): Promise<void> {
    const died = cause.kind === 'failed';
    const detail = this.#leaseExpired ? leaseDetail(this.lease.seconds) : endDetail(cause);
    this.lease.stop();
    if (died) {
      // Nobody waits for the end of a process that will say nothing any more.
      const error = refusal('unavailable', 'CORE_DIED', detail, NEW_ENGINE);
      this.answers.fail(error);
      this.media.end(error);
    } else await this.#leaveAndClose(cause);
    await this.#supervisor.stop();
    this.answers.fail(refusal('unavailable', 'ENGINE_ENDED', 'the engine was released', NEW_ENGINE));
    this.media.end();
    this.#pictures.close();
    this.setState(died ? EngineState.FAILED : EngineState.CLOSED, detail.split('\n')[0] ?? '');
    this.log.end({ cause: this.#leaseExpired ? EndCauseOfEngine.LEASE_EXPIRED : endCause(cause), detail });
  }

  async #leaveAndClose(cause: EndCause): Promise<void> {
    const asked = this.#leaseExpired ? 'the lease ran out' : 'Release';
    const reason = cause.kind === 'owner_closed' ? 'the daemon stops' : asked;
    // A core that dies meanwhile will not confirm.
    await Promise.race([this.channel.leaveAtEnd(reason, LEAVE_AT_END_MS), this.#supervisor.core?.done]);
    this.setState(EngineState.CLOSING, reason);
  }

  #onLeaseExpired(): void {
    if (this.state !== 'ready') return;
    this.#leaseExpired = true;
    this.logger.warn({ leaseSeconds: this.lease.seconds }, 'nobody uses the engine any more: it ends');
    void this.close();
  }

  #readPicture(reference: PictureReference): Buffer | undefined {
    try {
      return this.#pictures.read(reference);
    } catch (error) {
      this.logger.warn({ reason: messageOf(error) }, 'pictures come through the socket from now on');
      this.sendParameter({ pictureRing: false });
      return undefined;
    }
  }

  #coreIsGone(cause?: Error): Error {
    if (this.#supervisor.replaces && !this.#endedByItself) return coreRestarts(cause);
    return refusal('unavailable', 'CORE_DIED', 'the engine has no live core process', { ...NEW_ENGINE, cause });
  }
}
