import { SessionDescription, TrickleRequest, type SignalTarget } from '@livekit/protocol';
import type { SignalRequestMessage } from './signal_connection.js';

/** What a peer connection says to the server. */
export interface ConnectionSignal {
  sendOffer(sdp: string, id: number): void;
  sendAnswer(sdp: string, id: number): void;
  sendCandidate(candidate: string): void;
}

export function connectionSignal(
  target: SignalTarget,
  send: (message: SignalRequestMessage) => void,
): ConnectionSignal {
  return {
    sendOffer: (sdp, id) => send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp, id }) }),
    sendAnswer: (sdp, id) => send({ case: 'answer', value: new SessionDescription({ type: 'answer', sdp, id }) }),
    sendCandidate: (candidate) => {
      const candidateInit = JSON.stringify({ candidate, sdpMid: '0', sdpMLineIndex: 0 });
      send({ case: 'trickle', value: new TrickleRequest({ target, candidateInit }) });
    },
  };
}

/** Of the connection whose first offer is made before there is a server to send it to. */
export class EarlySignal {
  #signal: ConnectionSignal | undefined;
  #offer: { sdp: string; id: number } | undefined;

  sendOffer(sdp: string, id: number): void {
    if (this.#signal === undefined) this.#offer = { sdp, id };
    else this.#signal.sendOffer(sdp, id);
  }

  sendCandidate(candidate: string): void {
    this.#signal?.sendCandidate(candidate);
  }

  /** For the join request. */
  takeOffer(): { sdp: string; id: number } {
    if (this.#offer === undefined) throw new Error('no offer was made');
    return this.#offer;
  }

  /** The server has the offer of the join request; everything else goes to it directly. Candidates are not gathered before. */
  connect(signal: ConnectionSignal): void {
    this.#signal = signal;
  }
}

/** The candidate of a trickle message; undefined for the end of candidates and for what cannot be read. */
export function readCandidate(candidateInit: string): string | undefined {
  try {
    const init = JSON.parse(candidateInit) as { candidate?: unknown } | null;
    return typeof init?.candidate === 'string' && init.candidate !== '' ? init.candidate : undefined;
  } catch {
    return undefined;
  }
}
