import { EventEmitter } from 'node:events';
import { randomInt } from 'node:crypto';
import { parseSdp } from '../sdp/parse_sdp.js';
import { answerSections, receivedSections, type ReceivedSection } from '../sdp/subscriber_answer.js';
import { writeSdp } from '../sdp/write_sdp.js';
import { SCTP, type MediaTransport } from '../../../webrtc/media_transport.js';

export interface AnswerSignal {
  sendAnswer(sdp: string, id: number): void;
  sendCandidate(candidate: string): void;
}

/** Our receiving connection: the server offers, we answer. Every offer is answered at once and says in full which tracks come. */
export class Subscriber extends EventEmitter<{ sections: [sections: ReceivedSection[]]; failed: [reason: string] }> {
  readonly transport: MediaTransport;
  readonly #signal: AnswerSignal;
  readonly #sessionId = randomInt(1, 2 ** 47);
  #version = 0;
  #isGathering = false;

  constructor(transport: MediaTransport, signal: AnswerSignal) {
    super();
    this.transport = transport;
    this.#signal = signal;
    transport.on('candidate', (candidate) => this.#signal.sendCandidate(candidate));
    transport.once('failed', (reason) => this.emit('failed', `subscriber connection: ${reason}`));
  }

  onOffer(sdp: string, id: number): void {
    let offer;
    try {
      offer = parseSdp(sdp);
    } catch (error) {
      this.emit('failed', `unusable offer: ${String(error)}`);
      return;
    }
    const { usernameFragment, password, lite, fingerprints, candidates } = offer;
    // The server speaks DTLS first only when its offer insists on it.
    const weAreActive = offer.setup !== 'active';
    const local = { ...this.transport.local, setup: weAreActive ? ('active' as const) : ('passive' as const) };
    this.#version += 1;
    // Tracks are known before the answer lets their first packet come.
    this.emit('sections', receivedSections(offer));
    this.#signal.sendAnswer(writeSdp(this.#sessionId, this.#version, local, answerSections(offer)), id);
    if (!this.#isGathering) {
      this.#isGathering = true;
      this.transport.gather().catch((error: unknown) => this.emit('failed', `no candidates: ${String(error)}`));
    }
    const dtlsRole = weAreActive ? 'client' : 'server';
    this.transport.connect({ usernameFragment, password, lite, fingerprints, dtlsRole, weOffered: false, sctp: SCTP });
    for (const candidate of candidates) this.transport.addRemoteCandidate(candidate);
  }

  async close(): Promise<void> {
    await this.transport.close();
  }
}
