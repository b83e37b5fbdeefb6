import { once } from 'node:events';
import {
  AddTrackRequest,
  Ping,
  SessionDescription,
  SignalTarget,
  TrackType,
  TrickleRequest,
  protoInt64,
} from '@livekit/protocol';
import { Publisher } from '../../../coreservice/rtc/session/publisher.js';
import { Subscriber } from '../../../coreservice/rtc/session/subscriber.js';
import type { MediaTransport, MediaTransportOptions } from '../../../webrtc/media_transport.js';
import { WeriftTransport } from '../../../webrtc/werift_transport.js';
import { parseRtcp, type RtcpMessage } from '../../../rtp/rtcp.js';
import { eventually } from '../../support/eventually.js';
import { SignalClient } from './signal_client.js';

/** A client whose packets are made and read one by one by the test: no jitter buffer, no retransmission of its own. */
export class RawPeer implements AsyncDisposable {
  /** What the server sends, decrypted. */
  readonly received: Buffer[] = [];
  /** What the server says of what we send. */
  readonly feedback: RtcpMessage[] = [];
  readonly #publisher: Publisher;
  readonly #subscriber: Subscriber;
  #offeredTracks = 0;

  private constructor(
    readonly signal: SignalClient,
    sending: MediaTransport,
    receiving: MediaTransport,
  ) {
    const of = (target: SignalTarget) => ({
      sendOffer: (sdp: string, id: number) =>
        signal.send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp, id }) }),
      sendAnswer: (sdp: string, id: number) =>
        signal.send({ case: 'answer', value: new SessionDescription({ type: 'answer', sdp, id }) }),
      sendCandidate: (candidate: string) => {
        const candidateInit = JSON.stringify({ candidate, sdpMid: '0', sdpMLineIndex: 0 });
        signal.send({ case: 'trickle', value: new TrickleRequest({ target, candidateInit }) });
      },
    });
    this.#publisher = new Publisher(sending, of(SignalTarget.PUBLISHER), signal.sid);
    this.#subscriber = new Subscriber(receiving, of(SignalTarget.SUBSCRIBER));
    sending.on('rtcp', (packet) => this.feedback.push(...parseRtcp(packet)));
    receiving.on('rtp', (packet) => this.received.push(packet));
    this.#subscriber.on('sections', (sections) => (this.#offeredTracks = sections.length));
    for (const message of signal.messages) this.#onMessage(message);
    signal.onMessage = (message) => this.#onMessage(message);
  }

  static async join(url: string, token: string): Promise<RawPeer> {
    const options: MediaTransportOptions = { iceServers: [], addresses: 'any-and-loopback', connectTimeoutMs: 5000 };
    const [signal, ...transports] = await Promise.all([
      SignalClient.join(url, token),
      WeriftTransport.create(options),
      WeriftTransport.create(options),
    ]);
    return new RawPeer(signal, ...transports);
  }

  /** Announces an H.264 track; resolves when RTP packets of that SSRC can be sent. */
  async publish(ssrc: number): Promise<{ payloadType: number; send: (packet: Buffer) => void }> {
    const cid = `camera-${ssrc}`;
    this.signal.send({ case: 'addTrack', value: new AddTrackRequest({ cid, type: TrackType.VIDEO, source: 1 }) });
    await this.signal.waitFor('trackPublished', (response) => response.cid === cid);
    const section = { kind: 'video', cid, ssrcs: [ssrc], rids: [''], stereo: false } as const;
    const { payloadType } = await this.#publisher.add(section);
    return { payloadType, send: (packet) => this.#publisher.transport.sendRtp(packet) };
  }

  /** Resolves when the server forwards a first track to us: it has our answer, and the connection is up. */
  async receives(): Promise<void> {
    const { transport } = this.#subscriber;
    if (transport.state !== 'connected') await once(transport, 'connected', { signal: AbortSignal.timeout(5000) });
    await eventually(() => (this.#offeredTracks > 0 ? undefined : 'no track is offered'));
    // Signalling is in order: behind the pong the answer has been applied.
    this.signal.send({ case: 'pingReq', value: new Ping({ timestamp: protoInt64.parse(1) }) });
    await this.signal.waitFor('pongResp');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#publisher.close(), this.#subscriber.close()]);
    await this.signal[Symbol.asyncDispose]();
  }

  #onMessage(message: SignalClient['messages'][number]): void {
    if (message.case === 'offer') this.#subscriber.onOffer(message.value.sdp, message.value.id);
    if (message.case === 'answer') this.#publisher.onAnswer(message.value.sdp, message.value.id);
  }
}
