import type { Logger } from '../../common/logger.js';
import type { EventServiceServer } from '../../gen/alirtc/v1/events.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import { failStream, signalOf, writeMessage } from './handlers.js';
import { checkedRequest } from './malformed_request.js';

/** The event stream. */
export function eventService(registry: EngineRegistry, logger: Logger): EventServiceServer {
  return {
    getEventHandler: (call) => {
      const signal = signalOf(call);
      const run = async (): Promise<void> => {
        const { engineId, fromSequence } = checkedRequest(call.request);
        const engine = registry.find(engineId);
        const reader = engine.openEvents(fromSequence);
        const letGo = engine.lease.hold();
        try {
          for (let message = await reader.next(signal); message !== undefined; message = await reader.next(signal))
            await writeMessage(call, message, signal);
          call.end();
        } finally {
          reader.close();
          letGo();
        }
      };
      run().catch((error: unknown) => failStream(call, error, logger));
    },
  };
}
