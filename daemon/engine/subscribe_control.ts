import { ERROR_NUMBERS } from '../../common/error_codes.js';
import { VideoTrack } from '../../coreservice/ipc/enums.js';
import type {
  SubscribeRemoteAudioStreamRequest,
  SubscribeRemoteVideoStreamRequest,
} from '../../gen/alirtc/v1/engine.js';
import { SubscribeState } from '../../gen/alirtc/v1/types.js';
import { videoTrack } from '../conversions.js';
import type { EngineEvent } from '../events/event_log.js';
import { refusal, wrongState } from '../refusals.js';
import type { AnswerQueue } from './answer_queue.js';
import type { ChannelControl } from './channel_control.js';
import { checkRemoteUser } from './checks.js';
import type { EngineContext } from './engine_context.js';
import { WAIT_MS } from './engine_context.js';

/** As the vendor's host waits for the answer to command 39. */
const TEST_ROUND_DEADLINE_MS = 10_000;

type Kind = 'audio' | 'camera' | 'screen';

/** What OnError says when a subscription failed. */
const FAILURES = {
  audio: 'ERR_SUBSCRIBE_AUDIO_STREAM_FAILED',
  camera: 'ERR_SUBSCRIBE_VIDEO_STREAM_FAILED',
  screen: 'ERR_SUBSCRIBE_SCREEN_SHARE_FAILED',
} as const;

type StateEvent = Extract<EngineEvent['$case'], `on${'Audio' | 'Video' | 'ScreenShare'}SubscribeStateChanged`>;

/** Subscribing to one user's sound and pictures, in a call. */
export class SubscribeControl {
  readonly #engine: EngineContext;
  readonly #channel: ChannelControl;
  readonly #testRound: AnswerQueue<boolean>;
  /** Keeps the order of subscriptions while each waits for its answer. */
  #lastAudio: Promise<unknown> = Promise.resolve();

  constructor(engine: EngineContext, channel: ChannelControl, testRound: AnswerQueue<boolean>) {
    this.#engine = engine;
    this.#channel = channel;
    this.#testRound = testRound;
  }

  async subscribeAudio(
    request: SubscribeRemoteAudioStreamRequest,
    signal: AbortSignal,
  ): Promise<{ state: SubscribeState }> {
    const uid = checkRemoteUser('uid', request.uid);
    this.#checkJoined();
    const waited = request.wait ? this.#waitFor('audio', uid, request.sub, signal) : undefined;
    const sent = this.#lastAudio.then(() => this.#sendAudio(uid, request.sub));
    this.#lastAudio = sent.catch(() => undefined);
    await sent;
    return { state: (await waited) ?? this.#stateOf(uid, 'audio') };
  }

  async subscribeVideo(
    request: SubscribeRemoteVideoStreamRequest,
    signal: AbortSignal,
  ): Promise<{ camera: SubscribeState; screen: SubscribeState }> {
    const uid = checkRemoteUser('uid', request.uid);
    const track = videoTrack.toIpc(request.videoTrack, 'video_track');
    this.#checkJoined();
    const answer = () => ({ camera: this.#stateOf(uid, 'camera'), screen: this.#stateOf(uid, 'screen') });
    if (track === VideoTrack.No) return answer();
    const kinds = [
      ...(track !== VideoTrack.Screen ? ['camera' as const] : []),
      ...(track !== VideoTrack.Camera ? ['screen' as const] : []),
    ];
    const waited = request.wait ? kinds.map((kind) => this.#waitFor(kind, uid, request.sub, signal)) : [];
    const fields = { uid, videoTrack: track, sub: request.sub };
    this.#engine.send('SUBSCRIBE_REMOTE_VIDEO_STREAM', fields);
    this.#engine.stay.subscribed.set(`video ${track} ${uid}`, 'SUBSCRIBE_REMOTE_VIDEO_STREAM', fields);
    await Promise.all(waited);
    return answer();
  }

  async #sendAudio(uid: string, sub: boolean): Promise<void> {
    await this.#testRound.ask(() => this.#engine.send('GET_NEED_TEST_CYCLE_ROUND', { uid }), TEST_ROUND_DEADLINE_MS);
    this.#checkJoined();
    const fields = { uid, sub, denoise: false, voiceprint: false, asrvad: false, bind: false };
    this.#engine.send('SUBSCRIBE_REMOTE_AUDIO_STREAM', fields);
    this.#engine.stay.subscribed.set(`audio ${uid}`, 'SUBSCRIBE_REMOTE_AUDIO_STREAM', fields);
  }

  /** Says again what was said for single users; for a core process that took the place of another. */
  async sayAgain(): Promise<void> {
    const audio: { uid: string; sub: boolean }[] = [];
    this.#engine.stay.subscribed.replay((name, fields) => {
      if (name !== 'SUBSCRIBE_REMOTE_AUDIO_STREAM') this.#engine.send(name, fields);
      else if ('uid' in fields && 'sub' in fields) audio.push({ uid: String(fields.uid), sub: fields.sub === true });
    });
    // Each waits for the answer to its question.
    for (const { uid, sub } of audio) await this.#sendAudio(uid, sub);
  }

  #checkJoined(): void {
    if (this.#channel.isJoined) return;
    throw wrongState('ERR_SUBSCRIBE_NOT_JOIN_CHANNEL', 'the engine is in no channel', 'join a channel first');
  }

  #stateOf(uid: string, kind: Kind): SubscribeState {
    return this.#engine.model.user(uid)?.[kind] ?? SubscribeState.IDLE;
  }

  #waitFor(kind: Kind, uid: string, sub: boolean, signal: AbortSignal): Promise<SubscribeState> {
    const isThere = (state: SubscribeState): boolean =>
      sub
        ? state === SubscribeState.SUBSCRIBED
        : state === SubscribeState.NO_SUBSCRIBE || state === SubscribeState.IDLE;
    const now = this.#stateOf(uid, kind);
    if (isThere(now)) return Promise.resolve(now);
    const events: Record<typeof kind, StateEvent> = {
      audio: 'onAudioSubscribeStateChanged',
      camera: 'onVideoSubscribeStateChanged',
      screen: 'onScreenShareSubscribeStateChanged',
    };
    return this.#engine.log.waitFor({
      what: `the ${kind} of ${uid} to be ${sub ? 'subscribed' : 'stopped'}`,
      timeoutMs: WAIT_MS,
      signal,
      match: (event) => {
        if (event.$case === 'onLeaveChannelResult')
          throw wrongState('ERR_SUBSCRIBE_NOT_JOIN_CHANNEL', 'the channel was left meanwhile', 'join again');
        if (sub) throwFailure(event, kind, uid);
        if (event.$case !== events[kind] || !('uid' in event.value) || event.value.uid !== uid) return undefined;
        const state = (event.value as { newState: SubscribeState }).newState;
        return isThere(state) ? state : undefined;
      },
    });
  }
}

/** Our core's text is the error's name and the user; the vendor's core has none. */
function throwFailure(event: EngineEvent, kind: Kind, uid: string): void {
  const failure = FAILURES[kind];
  if (event.$case !== 'onError' || event.value.number !== ERROR_NUMBERS[failure]) return;
  const { text } = event.value;
  if (text !== '' && !text.startsWith(`${failure}: ${uid}: `)) return;
  throw refusal('aborted', failure, `subscribing to the ${kind} of ${uid} failed`, {
    remedy: 'see OnError for the reason, and subscribe again',
  });
}
