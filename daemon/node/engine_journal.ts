import type { Logger } from '../../common/logger.js';
import { CoreRestartStep, EndCause } from '../../gen/alirtc/v1/events.js';
import type { EngineRegistry } from '../engine/engine_registry.js';

/** A line for each step in an engine's life, with engine and channel. */
export function keepJournal(registry: Pick<EngineRegistry, 'onCreated'>, logger: Logger): void {
  registry.onCreated((session) => {
    const { engineId, model } = session;
    const log = logger.child({ engineId });
    log.info('engine created');
    session.log.onAppend(({ event }) => {
      if (event.$case === 'onJoinChannelResult') {
        const { channel, userId, result, text } = event.value;
        if (result === 0) log.info({ channel, userId }, 'joined');
        else log.warn({ channel, userId, result, reason: text }, 'the join failed');
      } else if (event.$case === 'onLeaveChannelResult') log.info('left');
      else if (event.$case === 'coreRestart') {
        const { step, attempt, channel, elapsedMs } = event.value;
        log.warn({ step: CoreRestartStep[step], attempt, channel, elapsedMs }, 'core restart');
      } else if (event.$case === 'ended')
        log.info({ cause: EndCause[event.value.cause], channel: model.channel }, 'engine ended');
    });
  });
}
