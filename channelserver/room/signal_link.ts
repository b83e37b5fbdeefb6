import type { SignalResponse } from '@livekit/protocol';

/** The way to a client's signalling connection. */
export interface SignalLink {
  /** Queues a message; nothing happens when the connection is gone. */
  send(message: SignalResponse['message']): void;
  /** Lets out what is queued, then closes. */
  end(): void;
}
