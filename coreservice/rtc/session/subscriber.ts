import { EventEmitter } from 'node:events';
import { randomInt } from 'node:crypto';
import { answerSections, receivedSections, type ReceivedSection } from '../sdp/received_sections.js';
import { SCTP, type MediaTransport } from '../../../webrtc/media_transport.js';
import type { Sdp } from '../../../webrtc/sdp/description.js';
import { parseSdp } from '../../../webrtc/sdp/parse_sdp.js';
import { transportOf, type DescribedPeer } from '../../../webrtc/sdp/transport_of.js';
import { writeSdp } from '../../../webrtc/sdp/write_sdp.js';

export interface AnswerSignal {
  sendAnswer(sdp: string, id: number): void;
  sendCandidate(candidate: string): void;
}

/** Our receiving connection: the server offers, we answer. Every offer is answered at once and says in full which tracks come. */
export class Subscriber extends EventEmitter<{ sections: [sections: ReceivedSection[]]; failed: [reason: string] }> {
  readonly transport: MediaTransport;
  readonly #signal: AnswerSignal;
  readonly #sessionId = String(randomInt(1, 2 ** 47));
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
    let offer: Sdp;
    let peer: DescribedPeer;
    try {
      offer = parseSdp(sdp);
      peer = transportOf(offer);
    } catch (error) {
      this.emit('failed', `unusable offer: ${String(error)}`);
      return;
    }
    const { setup: theirs, candidates, ...remote } = peer;
    const { remoteFragment } = this.transport;
    // Other credentials than before are an ICE restart (RFC 8839 section 4.4.3.1.1): the answer has other ones, too.
    if (remoteFragment !== undefined && remoteFragment !== remote.usernameFragment) {
      this.transport.restart();
      this.#isGathering = false;
    }
    // The server speaks DTLS first only when its offer insists on it.
    const weAreActive = theirs !== 'active';
    this.#version += 1;
    // Tracks are known before the answer lets their first packet come.
    this.emit('sections', receivedSections(offer));
    const answer = writeSdp({
      sessionId: this.#sessionId,
      version: this.#version,
      setup: weAreActive ? 'active' : 'passive',
      local: this.transport.local,
      sections: answerSections(offer),
    });
    this.#signal.sendAnswer(answer, id);
    if (!this.#isGathering) {
      this.#isGathering = true;
      this.transport.gather().catch((error: unknown) => this.emit('failed', `no candidates: ${String(error)}`));
    }
    const dtlsRole = weAreActive ? 'client' : 'server';
    this.transport.connect({ ...remote, dtlsRole, weOffered: false, sctp: remote.sctp ?? SCTP });
    for (const candidate of candidates) this.transport.addRemoteCandidate(candidate);
  }

  async close(): Promise<void> {
    await this.transport.close();
  }
}
