import type { ConnectErrorShape } from './types.js';

/** Why a room could not be joined. `kind` says whose fault it is; the message says what to do about it and never holds a token. */
export class RoomConnectError extends Error implements ConnectErrorShape {
  override readonly name = 'RoomConnectError';

  constructor(
    readonly kind: ConnectErrorShape['kind'],
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Of a channel server's address, what may be shown: neither user information nor a query, where tokens can be. */
export function shownUrl(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
  } catch {
    return 'an address that is no URL';
  }
}

/** The same error with the channel server's name in front. */
export function atServer(error: unknown, url: string): RoomConnectError {
  const named = (text: string): string => `channel server ${shownUrl(url)}: ${text}`;
  if (error instanceof RoomConnectError)
    return new RoomConnectError(error.kind, named(error.message), { cause: error.cause });
  return new RoomConnectError('server', named(error instanceof Error ? error.message : String(error)), {
    cause: error,
  });
}
