import { randomBytes } from 'node:crypto';
import { parseRtcp } from '../../rtp/rtcp.js';
import type { MediaTransport } from '../../webrtc/media_transport.js';
import { DownTrack } from './down_track.js';
import type { UpTrack } from './up_track.js';

/** What one connection sends: tracks by their SSRC, and the client's feedback on them. */
export class DownTracks {
  readonly #transport: MediaTransport;
  readonly #bySsrc = new Map<number, DownTrack>();

  constructor(transport: MediaTransport) {
    this.#transport = transport;
    transport.on('rtcp', (packet) => this.#receiveRtcp(packet));
    transport.on('connected', () => this.startReady());
  }

  /** A copy of a track; nothing is sent before add(), accept() and a connection. */
  create(source: UpTrack, participantSid: string, trackSid: string): DownTrack {
    return new DownTrack({
      source,
      streamId: `${participantSid}|${trackSid}`,
      trackId: trackSid,
      ssrc: this.#newSsrc(),
      send: (packet) => this.#transport.sendRtp(packet),
      sendRtcp: (packet) => this.#transport.sendRtcp(packet),
    });
  }

  add(down: DownTrack): void {
    this.#bySsrc.set(down.ssrc, down);
    down.source.attach(down);
  }

  remove(down: DownTrack): void {
    down.close();
    this.#bySsrc.delete(down.ssrc);
  }

  /** Media of what is negotiated begins, when the connection is there. */
  startReady(): void {
    if (this.#transport.state === 'connected') for (const down of this.#bySsrc.values()) down.start();
  }

  close(): void {
    for (const down of this.#bySsrc.values()) down.close();
    this.#bySsrc.clear();
  }

  #receiveRtcp(packet: Buffer): void {
    for (const message of parseRtcp(packet)) {
      switch (message.kind) {
        case 'nack':
        case 'pli':
          this.#bySsrc.get(message.mediaSsrc)?.feedback(message);
          break;
        case 'fir':
          for (const entry of message.entries) this.#bySsrc.get(entry.ssrc)?.keyFrameWanted();
          break;
        case 'sender_report':
        case 'receiver_report':
          for (const block of message.reports) this.#bySsrc.get(block.ssrc)?.report(block);
          break;
        default:
      }
    }
  }

  #newSsrc(): number {
    for (;;) {
      const ssrc = randomBytes(4).readUInt32BE();
      if (ssrc !== 0 && !this.#bySsrc.has(ssrc)) return ssrc;
    }
  }
}
