import { SessionDescription, TrickleRequest, type SignalTarget } from '@livekit/protocol';
import type { SignalRequestMessage } from './signal_connection.js';

/** What one of the two peer connections says to the server. */
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

/** The candidate of a trickle message; undefined for the end of candidates and for what cannot be read. */
export function readCandidate(candidateInit: string): string | undefined {
  try {
    const init = JSON.parse(candidateInit) as { candidate?: unknown } | null;
    return typeof init?.candidate === 'string' && init.candidate !== '' ? init.candidate : undefined;
  } catch {
    return undefined;
  }
}
