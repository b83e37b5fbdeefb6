import { Metadata } from '@grpc/grpc-js';
import type { handleServerStreamingCall } from '@grpc/grpc-js';
import type { Logger } from '../../common/logger.js';
import type { GetLogsRequest, GetLogsResponse } from '../../gen/alirtc/v1/node.js';
import type { Config } from '../config/schema.js';
import { checkRange } from '../engine/checks.js';
import { noSuchEngine } from '../engine/engine_registry.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import { LINE_LEVELS } from '../node/log_line.js';
import { KEPT_LINES } from '../node/log_ring.js';
import type { LogRequest, LogRing } from '../node/log_ring.js';
import { invalidField } from '../refusals.js';
import { failStream, signalOf, writeMessage } from './handlers.js';
import { checkedRequest } from './malformed_request.js';

/** NodeService.GetLogs. */
export function logStream(
  logs: LogRing,
  registry: Pick<EngineRegistry, 'isKnown'>,
  settings: () => Pick<Config, 'max-log-readers'>,
  logger: Logger,
): handleServerStreamingCall<GetLogsRequest, GetLogsResponse> {
  return (call) => {
    const signal = signalOf(call);
    const run = async (): Promise<void> => {
      const request = checkedLogRequest(checkedRequest(call.request));
      const { engineId } = request;
      if (engineId !== '' && !registry.isKnown(engineId)) throw noSuchEngine(engineId);
      const reader = logs.open(request, settings()['max-log-readers']);
      try {
        // Who follows knows by it that nothing is missed from now on, also while nothing is written.
        call.sendMetadata(new Metadata());
        for (let read = await reader.next(signal); read !== undefined; read = await reader.next(signal)) {
          const { line, droppedBefore } = read;
          await writeMessage(call, { sequence: line.sequence, droppedBefore, line: line.shown }, signal);
        }
        call.end();
      } finally {
        reader.close();
      }
    };
    run().catch((error: unknown) => failStream(call, error, logger));
  };
}

/** Throws INVALID_ARGUMENT. */
function checkedLogRequest({ engineId, level, sinceLines, follow }: GetLogsRequest): LogRequest {
  const leastLevel = level === '' ? 0 : LINE_LEVELS.indexOf(level);
  if (leastLevel === -1)
    throw invalidField('level', level, 'is no level', {
      remedy: `give one of ${LINE_LEVELS.join(', ')}, or nothing`,
    });
  return { engineId, leastLevel, sinceLines: checkRange('since_lines', sinceLines, 0, KEPT_LINES), follow };
}
