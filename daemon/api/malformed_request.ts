import type { ServiceDefinition } from '@grpc/grpc-js';
import { messageOf } from '../../common/errors.js';
import { refusal } from '../refusals.js';
import { wideNumberOf } from './wide_numbers.js';

/** Stands in the place of a request whose bytes could not be read: grpc-js would end the call with INTERNAL and without details. */
class MalformedRequest {
  constructor(readonly error: Error) {}
}

/** The same service; a request that cannot be read comes to the handler as what checkedRequest() throws for. */
export function withCheckedRequests<Service extends ServiceDefinition>(service: Service): Service {
  const methods = Object.entries(service).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer): unknown => {
      try {
        return method.requestDeserialize(bytes);
      } catch (error) {
        return new MalformedRequest(malformed(error, method.path, bytes));
      }
    };
    return [name, { ...method, requestDeserialize }];
  });
  return Object.fromEntries(methods) as Service;
}

/** The request, as it is. Throws INVALID_ARGUMENT or OUT_OF_RANGE when its bytes could not be read. */
export function checkedRequest<Request>(request: Request): Request {
  if (request instanceof MalformedRequest) throw request.error;
  return request;
}

function malformed(error: unknown, path: string, bytes: Uint8Array): Error {
  const why = messageOf(error);
  // Its content may be a token: only its size is told.
  const whole = { field: 'request', value: `${bytes.byteLength} bytes` };
  // ts-proto's text: int64 and uint64 are numbers of JavaScript here.
  if (/MAX_SAFE_INTEGER|MIN_SAFE_INTEGER/.test(why)) {
    const named = wideNumberOf(path.slice(path.lastIndexOf('/') + 1), bytes) ?? whole;
    return refusal('out_of_range', 'NUMBER_OUT_OF_RANGE', `${named.field}: a 64-bit number beyond 2^53`, {
      ...named,
      remedy: 'keep every 64-bit number within 9007199254740991 of 0',
    });
  }
  return refusal(
    'invalid_argument',
    'MALFORMED_REQUEST',
    `the request's bytes are not a message of this method: ${why}`,
    {
      ...whole,
      remedy: 'make the request from the .proto files of this version of alirtcd',
    },
  );
}
