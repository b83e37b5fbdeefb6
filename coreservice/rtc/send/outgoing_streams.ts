import { parseRtcp, serializeRtcp, type ReportBlock, type RtcpMessage } from '../../../rtp/rtcp.js';
import type { MediaTransport } from '../../../webrtc/media_transport.js';
import type { OutgoingStream } from './outgoing_stream.js';

/** The streams of the publisher connection: what the server says of them goes to them, their reports go out. */
export class OutgoingStreams {
  readonly #bySsrc = new Map<number, OutgoingStream>();
  readonly #transport: MediaTransport;
  readonly #cname: string;
  readonly #unixUs: () => number;
  #transportSequence = 0;

  constructor(transport: MediaTransport, cname: string, unixUs: () => number = () => Date.now() * 1000) {
    this.#transport = transport;
    this.#cname = cname;
    this.#unixUs = unixUs;
    transport.on('rtcp', (packet) => this.#onRtcp(packet));
  }

  add(stream: OutgoingStream): void {
    this.#bySsrc.set(stream.ssrc, stream);
  }

  remove(stream: OutgoingStream): void {
    this.#bySsrc.delete(stream.ssrc);
  }

  readonly nextTransportSequence = (): number => {
    this.#transportSequence = (this.#transportSequence + 1) & 0xffff;
    return this.#transportSequence;
  };

  /** To be called about once a second: one sender report a stream, each with the name that binds sound and picture together. */
  sendReports(): void {
    const now = this.#unixUs();
    for (const stream of this.#bySsrc.values()) {
      const report = stream.makeReport(now);
      if (report === undefined) continue;
      const name: RtcpMessage = {
        kind: 'sdes',
        chunks: [{ ssrc: stream.ssrc, items: [{ type: 1, text: this.#cname }] }],
      };
      this.#transport.sendRtcp(serializeRtcp([report, name]));
    }
  }

  #onRtcp(packet: Buffer): void {
    for (const message of parseRtcp(packet)) this.#onMessage(message);
  }

  #onMessage(message: RtcpMessage): void {
    switch (message.kind) {
      case 'sender_report':
      case 'receiver_report':
        this.#onReports(message.reports);
        break;
      case 'nack':
        this.#bySsrc.get(message.mediaSsrc)?.onNack(message.sequences);
        break;
      case 'pli':
        this.#bySsrc.get(message.mediaSsrc)?.onPli();
        break;
      case 'fir':
        for (const { ssrc, sequence } of message.entries) this.#bySsrc.get(ssrc)?.onFir(sequence);
        break;
      case 'sdes':
      case 'bye':
      case 'remb':
      case 'transport_cc':
      case 'other':
        break;
    }
  }

  #onReports(reports: readonly ReportBlock[]): void {
    const now = this.#unixUs();
    for (const report of reports) this.#bySsrc.get(report.ssrc)?.onReportBlock(report, now);
  }
}
