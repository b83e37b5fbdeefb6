import type { ServiceError } from '@grpc/grpc-js';

/** A unary call of a generated client as a promise: `await call(client, 'joinChannel', request)`. */
export function call<Client, Name extends keyof Client & string, Request, Response>(
  client: Client &
    Record<Name, (request: Request, done: (error: ServiceError | null, response: Response) => void) => unknown>,
  name: Name,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    client[name](request, (error, response) => (error === null ? resolve(response) : reject(error)));
  });
}
