import { type Client, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { errorInfoOf } from '../../../support/rpc.js';
import type { Method } from './contract.js';

/** How a call ended. Of a stream that stays open: OK at its first sign of life. */
export interface Outcome {
  code: status;
  message: string;
  response?: Record<string, unknown>;
  /** google.rpc.ErrorInfo; undefined when the status has none. */
  info?: { reason: string; domain: string; metadata: Record<string, string> } | undefined;
}

const DEADLINE_MS = 15_000;
const asIs = (bytes: Buffer): Buffer => bytes;

/** Calls the method with those bytes, whatever they are. Never rejects. */
export function rawCall(client: Client, method: Method, messages: readonly Buffer[]): Promise<Outcome> {
  const options = { deadline: Date.now() + DEADLINE_MS };
  const { path } = method;
  return new Promise((resolve) => {
    const fail = (error: ServiceError): void => resolve(failed(error));
    const succeed = (bytes?: Buffer): void => resolve(ok(method, bytes));
    const [first = Buffer.alloc(0)] = messages;
    if (!method.responseStream) {
      client.makeUnaryRequest(path, asIs, asIs, first, options, (error, bytes) =>
        error === null ? succeed(bytes) : fail(error),
      );
      return;
    }
    if (!method.requestStream) {
      const stream = client.makeServerStreamRequest(path, asIs, asIs, first, options);
      const open = (): void => {
        succeed();
        stream.cancel();
      };
      stream.on('error', fail).on('metadata', open).on('data', open).on('end', succeed);
      return;
    }
    const stream = client.makeBidiStreamRequest(path, asIs, asIs, new Metadata(), options);
    let answered = 0;
    stream.on('error', fail).on('end', succeed);
    stream.on('data', () => {
      answered += 1;
      // Open alone is answered by credits; with a frame the end is what counts.
      if (messages.length > 1 || answered > 1) return;
      succeed();
      stream.cancel();
    });
    for (const message of messages) stream.write(message);
    if (messages.length > 1) stream.end();
  });
}

function ok(method: Method, bytes: Buffer | undefined): Outcome {
  return { code: status.OK, message: '', ...(bytes === undefined ? {} : { response: method.decode(bytes) }) };
}

function failed(error: ServiceError): Outcome {
  return { code: error.code, message: error.details, info: errorInfoOf(error) };
}
