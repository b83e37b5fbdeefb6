import type { ConnectErrorShape } from './types.js';

/** Why a room could not be joined. `kind` says whose fault it is; the message never holds a token. */
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
