import type { Callback } from '../../coreservice/ipc/callbacks.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';
import { frameOfCallback } from '../media/media_frame.js';
import { eventOfCallback, outcomeOf } from './callback_event.js';
import type { EngineSession } from './engine_session.js';

const REMOVED: ReadonlySet<number> = new Set([
  ERROR_NUMBERS.ERR_LEAVE_UNUSUAL,
  ERROR_NUMBERS.ERR_SESSION_REMOVED,
  ERROR_NUMBERS.ERR_NETWORK_RECONNECT_FAIL,
]);

/** Every callback of the core, to the part of the session that it is for. */
export class CallbackRouter {
  readonly #session: EngineSession;

  constructor(session: EngineSession) {
    this.#session = session;
  }

  route(callback: Callback): void {
    const session = this.#session;
    const frame = frameOfCallback(callback, Math.floor(session.clock.nowMs() * 1000));
    if (frame !== undefined) return session.media.deliver(frame);
    switch (callback.name) {
      case 'JOIN_RESULT':
        return session.channel.onJoinResult(callback.fields);
      case 'LEAVE_RESULT':
        return session.channel.onLeaveResult(callback.fields);
      case 'NEED_TEST_CYCLE_ROUND':
        return session.answers.testRound.answer(callback.fields.isEnable);
      case 'SDK_VERSION':
        session.media.onCoreVersion(callback.fields.alirtcd);
        return session.answers.onSdkVersion(callback.fields);
      case 'REMAIN_BUFFER':
        session.push.onRemainBuffer(callback.fields);
        return session.answers.onRemainBuffer(callback.fields);
      case 'AUDIO_BUFFER_FULL':
        return session.push.onAudioFull(callback.fields.success);
      case 'VIDEO_BUFFER_FULL':
        return session.push.onVideoFull(callback.fields.success);
      default: {
        const event = eventOfCallback(callback);
        if (event !== undefined) session.emit(event);
        if (callback.name === 'ERROR' && REMOVED.has(callback.fields.errorCode))
          session.channel.onRemoved(outcomeOf(callback.fields).text);
      }
    }
  }
}
