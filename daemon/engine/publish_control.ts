import type { CommandName } from '../../coreservice/ipc/commands.js';
import { PublishState } from '../../gen/alirtc/v1/types.js';
import type { EngineEvent } from '../events/event_log.js';
import { refusal, wrongState } from '../refusals.js';
import type { ChannelControl } from './channel_control.js';
import type { EngineContext } from './engine_context.js';
import { WAIT_MS } from './engine_context.js';

export type PublishKind = 'camera' | 'dual' | 'screen' | 'audio';

interface PublishRow {
  command: Extract<CommandName, `PUBLISH_${string}`>;
  event: Extract<EngineEvent['$case'], `on${string}PublishStateChanged`>;
  failure: string;
  /** engine-semantics.md, section 4. */
  enabledAtFirst: boolean;
  /** False: takes effect at once or not at all. */
  settableBeforeJoin: boolean;
}

const ROWS: Readonly<Record<PublishKind, PublishRow>> = {
  camera: {
    command: 'PUBLISH_LOCAL_VIDEO_STREAM',
    event: 'onVideoPublishStateChanged',
    failure: 'ERR_PUBLISH_VIDEO_STREAM_FAILED',
    enabledAtFirst: true,
    settableBeforeJoin: true,
  },
  dual: {
    command: 'PUBLISH_LOCAL_DUAL_STREAM',
    event: 'onDualStreamPublishStateChanged',
    failure: 'ERR_PUBLISH_DUAL_STREAM_FAILED',
    enabledAtFirst: false,
    settableBeforeJoin: true,
  },
  screen: {
    command: 'PUBLISH_SCREEN_SHARE_STREAM',
    event: 'onScreenSharePublishStateChanged',
    failure: 'ERR_PUBLISH_SCREEN_SHARE_FAILED',
    enabledAtFirst: false,
    settableBeforeJoin: false,
  },
  audio: {
    command: 'PUBLISH_LOCAL_AUDIO_STREAM',
    event: 'onAudioPublishStateChanged',
    failure: 'ERR_PUBLISH_AUDIO_STREAM_FAILED',
    enabledAtFirst: true,
    settableBeforeJoin: true,
  },
};

/** What is published: the four switches, and the states that their callbacks tell. */
export class PublishControl {
  readonly #engine: EngineContext;
  readonly #channel: ChannelControl;
  readonly #enabled: Record<PublishKind, boolean>;

  constructor(engine: EngineContext, channel: ChannelControl) {
    this.#engine = engine;
    this.#channel = channel;
    this.#enabled = {
      camera: ROWS.camera.enabledAtFirst,
      dual: ROWS.dual.enabledAtFirst,
      screen: ROWS.screen.enabledAtFirst,
      audio: ROWS.audio.enabledAtFirst,
    };
  }

  /** What was last set; the core is not asked (core-service-ipc.md, section 5). */
  isEnabled(kind: PublishKind): boolean {
    return this.#enabled[kind];
  }

  /** True while one of the streams goes out or is about to. */
  get isPublishing(): boolean {
    const { camera, dual, screen, audio } = this.#engine.model;
    return [camera, dual, screen, audio].some(
      (state) => state === PublishState.PUBLISHING || state === PublishState.PUBLISHED,
    );
  }

  async publish(
    kind: PublishKind,
    request: { enabled: boolean; wait: boolean },
    signal: AbortSignal,
  ): Promise<{ state: PublishState }> {
    const { enabled, wait } = request;
    const row = ROWS[kind];
    const joined = this.#channel.isJoined;
    const inStay = this.#channel.isStaying;
    if (!joined && (wait || (enabled && !row.settableBeforeJoin)))
      throw wrongState('ERR_PUBLISH_NOT_JOIN_CHANNEL', 'the engine is in no channel', 'join a channel first');
    if (joined && enabled && this.#channel.isAudience)
      throw wrongState('ERR_PUBLISH_AUDIENCE', 'the audience cannot publish', 'SetClientRole(INTERACTIVE) first');
    const waited = wait ? this.#waitFor(kind, enabled, signal) : undefined;
    this.#enabled[kind] = enabled;
    this.#engine.set(row.command, row.command, { enable: enabled });
    if (inStay) this.#engine.stay.published.set(row.command, row.command, { enable: enabled });
    return { state: (await waited) ?? this.#engine.model[kind] };
  }

  #waitFor(kind: PublishKind, enabled: boolean, signal: AbortSignal): Promise<PublishState> | undefined {
    const wanted = enabled ? PublishState.PUBLISHED : PublishState.NO_PUBLISH;
    const now = this.#engine.model[kind];
    const isThere = now === wanted || (!enabled && now === PublishState.IDLE);
    if (isThere) return undefined;
    const row = ROWS[kind];
    const waited = this.#engine.log.waitFor({
      what: `the ${kind} stream to be ${enabled ? 'published' : 'stopped'}`,
      timeoutMs: WAIT_MS,
      signal,
      match: (event) => {
        if (event.$case === 'onLeaveChannelResult')
          throw wrongState('ERR_PUBLISH_NOT_JOIN_CHANNEL', 'the channel was left meanwhile', 'join again');
        const isChange = event.$case === row.event && 'newState' in event.value;
        if (!isChange) return undefined;
        const state = event.value.newState;
        if (state === wanted || (!enabled && state === PublishState.IDLE)) return state;
        if (enabled && state === PublishState.NO_PUBLISH)
          throw refusal('aborted', row.failure, `publishing the ${kind} stream failed`, {
            remedy: 'see OnError for the reason, and publish again',
          });
        return undefined;
      },
    });
    return waited;
  }
}
