import type { handleUnaryCall } from '@grpc/grpc-js';
import type { Logger } from '../../common/logger.js';
import { checkedRequest } from './malformed_request.js';
import { toGrpcError } from './status.js';

/** What the signal needs of any kind of call. */
export interface CancellableCall {
  readonly cancelled: boolean;
  once(event: 'cancelled', listener: () => void): unknown;
}

/** Aborts when the client cancels, its deadline passes, or its connection breaks; also after the call has ended in order. */
export function signalOf(call: CancellableCall): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error('the call was cancelled'));
  if (call.cancelled) abort();
  else call.once('cancelled', abort);
  return controller.signal;
}

/** A unary handler of an async function. */
export function unary<Request, Response>(
  logger: Logger,
  handle: (request: Request, signal: AbortSignal) => Promise<Response> | Response,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const run = async (): Promise<Response> => handle(checkedRequest(call.request), signalOf(call));
    run().then(
      (response) => callback(null, response),
      (error: unknown) => callback(toGrpcError(error, logger)),
    );
  };
}

/** Ends a stream with the status of what was thrown. */
export function failStream(
  call: { destroyed: boolean; emit(name: 'error', error: Error): boolean },
  thrown: unknown,
  logger: Logger,
): void {
  if (!call.destroyed) call.emit('error', toGrpcError(thrown, logger));
}

interface WritingCall<Response> {
  readonly destroyed: boolean;
  write(message: Response, done: () => void): boolean;
}

/** Writes one message, and resolves when it has left the writer (stricter than `drain`), or the call has ended. */
export function writeMessage<Response>(
  call: WritingCall<Response>,
  message: Response,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || call.destroyed) return resolve();
    const finish = (): void => {
      signal.removeEventListener('abort', finish);
      resolve();
    };
    signal.addEventListener('abort', finish, { once: true });
    call.write(message, finish);
  });
}
