import type { Logger } from '../../common/logger.js';
import { errorName, ERROR_NUMBERS, type ErrorName } from '../../common/error_codes.js';
import { AlirtcError, messageOf } from '../../common/errors.js';
import type { Command } from '../ipc/commands.js';
import { ChannelProfile } from '../ipc/enums.js';
import type { Room } from '../rtc/types.js';
import { AudioHub } from './audio_hub.js';
import { withDeadline } from './clock.js';
import type { EngineParts } from './contracts.js';
import { DataChannel } from './data_channel.js';
import { demandOfJoin, DemandState } from './demand.js';
import { FrameCounters } from './frame_counters.js';
import { handlerOf } from './handlers.js';
import type { JoinRequest } from './join_request.js';
import { LocalMedia, type LocalKind } from './local_media.js';
import { Membership } from './membership.js';
import { Outbox } from './outbox.js';
import { PictureLanes } from './picture_lanes.js';
import { RoleChanger } from './role_changer.js';
import { Roster } from './roster.js';
import { Settings } from './settings.js';
import { Statistics } from './statistics.js';
import { SubscriptionPolicy } from './subscription_policy.js';

const CLOSE_TIMEOUT_MS = 1000;

/** What lasts from a join to the leave. */
export interface Stay {
  room: Room;
  request: JoinRequest;
  policy: SubscriptionPolicy;
  roster: Roster;
}

/**
 * One engine: commands of the host in, callbacks out. Every command goes through handle(); what it throws becomes one ERROR, and what is not implemented
 * one WARNING.
 */
export class CoreEngine {
  readonly settings = new Settings();
  readonly outbox: Outbox;
  readonly demand: DemandState;
  readonly lanes: PictureLanes;
  readonly audio: AudioHub;
  readonly local: LocalMedia;
  readonly membership: Membership;
  readonly roles: RoleChanger;
  readonly data: DataChannel;
  readonly logger: Logger;
  readonly #statistics: Statistics;
  readonly #counters = new FrameCounters();
  /** Publishing calls since the join was asked for and before it was done. */
  readonly #calledEarly = new Set<LocalKind>();
  #stay: Stay | undefined;
  #resolveDestroyed!: () => void;
  /** DESTROY_ENGINE has come. */
  readonly destroyed: Promise<void> = new Promise((resolve) => (this.#resolveDestroyed = resolve));
  #closed: Promise<void> | undefined;

  constructor(private readonly parts: EngineParts) {
    const { connection, clock, codecs, logger } = parts;
    const { settings } = this;
    this.logger = logger;
    this.outbox = new Outbox(connection, () => clock.nowMs(), logger);
    this.demand = new DemandState(() => this.#applyDemand());
    const { outbox, demand } = this;
    this.lanes = new PictureLanes({ clock, logger, outbox, demand, laneServer: (path) => parts.laneServer(path) });
    this.audio = new AudioHub({
      clock,
      codecs,
      settings,
      outbox: this.outbox,
      demand: this.demand,
      counters: this.#counters,
    });
    this.local = new LocalMedia({ clock, logger, codecs, settings, outbox: this.outbox });
    this.data = new DataChannel({ settings, outbox: this.outbox, logger });
    this.#statistics = new Statistics({
      clock,
      outbox: this.outbox,
      cpu: () => parts.cpu(),
      localVideo: () => this.local.videoTotals(),
      localAudio: () => this.local.audio.totals(),
      remoteVideo: () => [...(this.#stay?.roster ?? [])].flatMap((user) => user.videoTotals()),
      remoteAudio: () => this.audio.totals(),
    });
    this.membership = new Membership({
      settings,
      clock,
      logger,
      outbox: this.outbox,
      defaultUrl: parts.defaultUrl,
      createRoom: (options) => parts.createRoom(options),
      exchangeToken: (request, signal) => parts.exchangeToken(request, signal),
      onEntered: (room, request) => this.#onEntered(room, request),
      onLeft: () => this.#onLeft(),
    });
    this.roles = new RoleChanger({
      settings,
      outbox: this.outbox,
      logger,
      stay: () => this.#stay,
      isPublishing: () => this.local.isPublishing,
      isJoining: () => this.membership.state === 'joining',
      onChanged: (retry) => this.local.setMayPublish(this.mayPublish, retry),
    });
  }

  /** Defined while in a channel. */
  get stay(): Stay | undefined {
    return this.#stay;
  }

  get mayPublish(): boolean {
    return this.#stay !== undefined && this.settings.streamsByRole(isCommunication(this.#stay.request));
  }

  handle(command: Command): void {
    if (this.#closed !== undefined) return;
    try {
      const handler = handlerOf(command.name);
      if (handler === undefined) {
        this.outbox.warning('NOT_IMPLEMENTED', `${command.name} is not implemented`);
        return;
      }
      handler(this, command.fields as never, command.payload ?? Buffer.alloc(0), command);
    } catch (error) {
      this.#refuse(command, error);
    }
  }

  /** A publishing call: what is wanted has been set already. */
  publishCalled(kind: LocalKind): void {
    if (this.membership.state === 'joining') this.#calledEarly.add(kind);
    this.local.called(kind);
  }

  /** The codec keys of SET_PARAMETER have changed: hosts without demands get what they say. */
  observerChanged(): void {
    const config = this.#stay?.request.config;
    if (config === undefined) return;
    this.demand.setOfJoin(
      demandOfJoin(config.subscribeVideoFormat, config.subscribeAudioFormat, this.settings.observer),
    );
  }

  destroy(): void {
    this.#resolveDestroyed();
  }

  /** Leaves and releases everything, within a second. */
  close(): Promise<void> {
    this.#closed ??= withDeadline(
      this.parts.clock,
      CLOSE_TIMEOUT_MS,
      this.#close(),
      () => new Error(`not released within ${CLOSE_TIMEOUT_MS} ms`),
    ).catch((error: unknown) => this.logger.warn({ err: error }, 'the engine did not close in time'));
    return this.#closed;
  }

  async #close(): Promise<void> {
    // At once: leaving may take all the time there is.
    const lanes = this.lanes.close();
    await this.membership.close();
    this.audio.close();
    await this.local.close();
    await lanes;
  }

  #onEntered(room: Room, request: JoinRequest): void {
    const { config, channel } = request;
    const { settings, outbox, audio, demand, lanes } = this;
    const { clock, codecs, logger } = this.parts;
    const policy = new SubscriptionPolicy(config.subscribeMode, config.isAudioOnly, settings.defaultStreamType);
    const roster = new Roster(
      {
        channel,
        profile: config.channelProfile,
        room,
        policy,
        audio,
        clock,
        outbox,
        logger,
        video: { clock, logger, outbox, codecs, demand, lanes, settings, counters: this.#counters },
      },
      () => this.#onNobodyLeft(),
      () => undefined,
    );
    this.#stay = { room, request, policy, roster };
    this.observerChanged();
    audio.enter();
    roster.open();
    room.on('reconnecting', () => this.local.reconnecting());
    room.on('reconnected', () => this.local.reconnected());
    room.on('data', (message) => this.data.receive(message));
    room.on('permission_changed', (canPublish) => this.roles.onPermission(canPublish));
    this.local.enter(room, channel, config, this.mayPublish, this.#calledEarly);
    this.#calledEarly.clear();
    this.roles.onEntered();
    this.#statistics.enter(room);
  }

  #onLeft(): void {
    this.#statistics.leave();
    this.#stay?.roster.close();
    this.audio.leave();
    this.local.leave();
    this.#stay = undefined;
  }

  /** LeaveOnceNoStreamer: for audience only; streamers stay for whoever comes. */
  #onNobodyLeft(): void {
    if (!this.settings.leaveOnceNoStreamer || this.mayPublish) return;
    this.outbox.error('ERR_NO_PEOPLE', { text: 'the last streamer has gone' });
  }

  #applyDemand(): void {
    this.audio.applyDemand();
    for (const user of this.#stay?.roster ?? []) user.applyDemand();
  }

  #refuse(command: Command, error: unknown): void {
    if (!(error instanceof AlirtcError)) {
      this.logger.error({ err: error, command: command.name }, 'a command failed');
      this.outbox.error('ERR_INNER', { reason: 'INTERNAL', text: `${command.name} failed` });
      return;
    }
    this.logger.info({ command: command.name, reason: error.reason }, messageOf(error));
    const { number, reason } = error;
    const name = number === undefined ? undefined : errorName(number);
    // Numbers that are not in the closed list go beside it.
    if (name !== undefined && isClosed(name)) this.outbox.error(name, { reason, text: error.message });
    else
      this.outbox.error('ERR_SDK_INVALID_STATE', {
        reason,
        text: error.message,
        ...(number === undefined ? {} : { number }),
      });
  }
}

function isClosed(name: string): name is ErrorName {
  return name in ERROR_NUMBERS;
}

function isCommunication(request: JoinRequest): boolean {
  return request.config.channelProfile === ChannelProfile.Communication;
}
