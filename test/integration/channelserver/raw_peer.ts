import { once } from 'node:events';
import { Ping, protoInt64 } from '@livekit/protocol';
import { parseRtcp, type RtcpMessage } from '../../../rtp/rtcp.js';
import { eventually } from '../../support/eventually.js';
import { BareConnections } from './bare_connections.js';
import type { SignalClient } from './signal_client.js';

/** A client whose packets are made and read one by one by the test: no jitter buffer, no retransmission of its own. */
export class RawPeer implements AsyncDisposable {
  /** What the server sends, decrypted. */
  readonly received: Buffer[] = [];
  /** What the server says of what we send. */
  readonly feedback: RtcpMessage[] = [];
  readonly #connections: BareConnections;
  #offeredTracks = 0;

  private constructor(connections: BareConnections) {
    this.#connections = connections;
    const { publisher, subscriber } = connections;
    publisher.transport.on('rtcp', (packet) => this.feedback.push(...parseRtcp(packet)));
    subscriber.transport.on('rtp', (packet) => this.received.push(packet));
    subscriber.on('sections', (sections) => (this.#offeredTracks = sections.length));
    connections.begin();
  }

  static async join(url: string, token: string): Promise<RawPeer> {
    return new RawPeer(await BareConnections.join(url, token));
  }

  get signal(): SignalClient {
    return this.#connections.signal;
  }

  /** Announces an H.264 track; resolves when RTP packets of that SSRC can be sent. */
  async publish(ssrc: number): Promise<{ payloadType: number; send: (packet: Buffer) => void }> {
    const payloadType = await this.#connections.publish('video', ssrc);
    const { transport } = this.#connections.publisher;
    return { payloadType, send: (packet) => transport.sendRtp(packet) };
  }

  /** Resolves when the server forwards a first track to us: it has our answer, and the connection is up. */
  async receives(): Promise<void> {
    const { transport } = this.#connections.subscriber;
    if (transport.state !== 'connected') await once(transport, 'connected', { signal: AbortSignal.timeout(5000) });
    await eventually(() => (this.#offeredTracks > 0 ? undefined : 'no track is offered'));
    // Signalling is in order: behind the pong the answer has been applied.
    this.signal.send({ case: 'pingReq', value: new Ping({ timestamp: protoInt64.parse(1) }) });
    await this.signal.waitFor('pongResp');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connections[Symbol.asyncDispose]();
  }
}
