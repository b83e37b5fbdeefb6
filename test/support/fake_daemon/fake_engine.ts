import type { sendUnaryData, ServerUnaryCall, UntypedServiceImplementation } from '@grpc/grpc-js';
import { EngineServiceService } from '../../../gen/alirtc/v1/engine.js';
import type { EngineServiceServer } from '../../../gen/alirtc/v1/engine.js';

export interface RecordedCall {
  method: string;
  request: unknown;
}

/** An engine service that answers every call with an empty response and writes down what was asked; `answers` override methods by name. */
export function recordingEngineService(
  calls: RecordedCall[],
  answers: Partial<EngineServiceServer> = {},
): Partial<EngineServiceServer> {
  const service: UntypedServiceImplementation = {};
  for (const [method, definition] of Object.entries(EngineServiceService))
    service[method] = (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>): void => {
      calls.push({ method, request: call.request });
      callback(null, definition.responseDeserialize(Buffer.alloc(0)));
    };
  return { ...(service as Partial<EngineServiceServer>), ...answers };
}
