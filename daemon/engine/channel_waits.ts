import type { AlirtcError } from '../../common/errors.js';
import { EngineState } from '../../gen/alirtc/v1/events.js';
import type { EventLog } from '../events/event_log.js';
import { WAIT_MS } from './engine_context.js';
import { joinFailure } from './join_failure.js';
import type { Join } from './join_request.js';

/** Resolves with the join; rejects with what it failed with. `refused` is the daemon's own reason, when it was the daemon that refused it. */
export function waitForJoin(
  log: EventLog,
  join: Join,
  { timeoutMs, signal, refused }: { timeoutMs: number; signal: AbortSignal; refused: () => AlirtcError | undefined },
): Promise<true> {
  return log.waitFor({
    what: 'the result of the join',
    timeoutMs,
    signal,
    match: (event) => {
      if (event.$case !== 'onJoinChannelResult') return undefined;
      if (event.value.result === 0) return true;
      throw joinFailure(join, event.value, refused());
    },
  });
}

/** Resolves with the result of the leave. `isQuiet` is true while a leave has no callback. */
export function waitForLeave(
  log: EventLog,
  options: { signal: AbortSignal | undefined; timeoutMs: number | undefined; isQuiet: () => boolean },
): Promise<number> {
  const { signal, timeoutMs = WAIT_MS, isQuiet } = options;
  return log.waitFor({
    what: 'OnLeaveChannelResult',
    timeoutMs,
    ...(signal === undefined ? {} : { signal }),
    match: (event) => {
      if (event.$case === 'onLeaveChannelResult') return event.value.result;
      // A join that timed out is left without a callback.
      const isOut = event.$case === 'engineStateChanged' && event.value.newState === EngineState.READY;
      return isOut && isQuiet() ? 0 : undefined;
    },
  });
}
