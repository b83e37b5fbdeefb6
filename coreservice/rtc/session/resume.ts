import { ParticipantTracks, SyncState, TrackInfo, TrackPublishedResponse, UpdateSubscription } from '@livekit/protocol';
import type { MediaTransport } from '../../../webrtc/media_transport.js';
import { RoomConnectError } from '../connect_error.js';
import type { SignalRequestMessage } from '../signal/signal_connection.js';

export interface ResumeOptions {
  url: string;
  token: string;
  timeoutMs: number;
}

/** What we have, by our own knowledge: a server that lacks one of the tracks asks for a new stay. */
export function syncState(
  subscribed: ReadonlyMap<string, string>,
  publishedSids: readonly string[],
): SignalRequestMessage {
  const trackSids = [...subscribed.keys()];
  const participantTracks = [...subscribed].map(
    ([trackSid, participantSid]) => new ParticipantTracks({ participantSid, trackSids: [trackSid] }),
  );
  const subscription = new UpdateSubscription({ trackSids, subscribe: true, participantTracks });
  const publishTracks = publishedSids.map((sid) => new TrackPublishedResponse({ track: new TrackInfo({ sid }) }));
  return { case: 'syncState', value: new SyncState({ subscription, publishTracks }) };
}

/** The transports of a stay on which nothing is heard of the server. */
export class StalledTransports {
  readonly #stalled = new Set<MediaTransport>();
  readonly #waiting = new Set<() => void>();

  watch(transport: MediaTransport, onStalled: () => void): void {
    transport.on('stalled', () => {
      this.#stalled.add(transport);
      onStalled();
    });
    transport.on('recovered', () => {
      this.#stalled.delete(transport);
      if (this.#stalled.size === 0) for (const wake of [...this.#waiting]) wake();
    });
  }

  get any(): boolean {
    return this.#stalled.size > 0;
  }

  /** Resolves when the server is heard on all of them; rejects with a RoomConnectError after that time. */
  whenNone(timeoutMs: number): Promise<void> {
    if (!this.any) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(wake);
        reject(new RoomConnectError('timeout', 'signalling is back, but media finds no way'));
      }, timeoutMs);
      this.#waiting.add(wake);
    });
  }
}
