import { EngineState } from '../../gen/alirtc/v1/events.js';
import { coreRestarts, refusal, wrongState } from '../refusals.js';

/** Throws when an engine in that state cannot join. `channel` is the one that it is in, or joins. */
export function checkMayJoin(state: EngineState, channel: string): void {
  switch (state) {
    case EngineState.READY:
      return;
    case EngineState.LEAVING:
      throw wrongState('ERR_JOIN_ALREADY_JOINED', 'the engine is still leaving', 'wait for OnLeaveChannelResult');
    case EngineState.JOINING:
    case EngineState.JOINED:
      throw wrongState(
        'ERR_JOIN_ALREADY_JOINED',
        `the engine is ${state === EngineState.JOINED ? 'in' : 'joining'} channel "${channel}"`,
        'leave it, and wait for OnLeaveChannelResult',
      );
    case EngineState.RESTARTING:
      throw coreRestarts();
    default:
      throw refusal('unavailable', 'ENGINE_ENDED', 'the engine is being released', { remedy: 'create a new engine' });
  }
}
