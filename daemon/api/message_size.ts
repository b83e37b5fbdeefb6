import { ServerInterceptingCall, status } from '@grpc/grpc-js';
import type { ServerInterceptor } from '@grpc/grpc-js';
import type { Logger } from '../../common/logger.js';
import { refusal } from '../refusals.js';
import { toGrpcError } from './status.js';

/** grpc-js ends a call with a message that is too large by itself and by text only; here it gets the facts that every refusal has. To be the first interceptor. */
export function nameMessageLimit(most: number, logger: Logger): ServerInterceptor {
  return (_definition, call) => {
    const send = call.sendStatus.bind(call);
    call.sendStatus = (answer) => {
      const { code, details } = answer;
      const isSize = code === status.RESOURCE_EXHAUSTED && /^(Received|Sent) message .*larger than/.test(details ?? '');
      send(isSize ? toGrpcError(tooLarge(details ?? '', most), logger) : answer);
    };
    return new ServerInterceptingCall(call);
  };
}

function tooLarge(text: string, most: number): Error {
  return refusal('resource_exhausted', 'MESSAGE_TOO_LARGE', `max-message-bytes is ${most}: ${text}`, {
    field: 'request',
    value: /\((\d+) vs/.exec(text)?.[1] ?? '',
    remedy: 'send less at once, or have the operator raise max-message-bytes (--max-message-bytes)',
    metadata: { limit: String(most), setting: 'max-message-bytes' },
  });
}
