import { AddTrackRequest, SessionDescription, SignalTarget, TrackType, TrickleRequest } from '@livekit/protocol';
import { Publisher } from '../../../coreservice/rtc/session/publisher.js';
import { Subscriber } from '../../../coreservice/rtc/session/subscriber.js';
import type { MediaTransportOptions } from '../../../webrtc/media_transport.js';
import { WeriftTransport } from '../../../webrtc/werift_transport.js';
import { SignalClient } from './signal_client.js';

const OPTIONS: MediaTransportOptions = { iceServers: [], addresses: 'any-and-loopback', connectTimeoutMs: 8000 };

/** A participant's signalling and both its peer connections, with valid keys and nothing else: no jitter buffer, no retransmission, no pace. */
export class BareConnections implements AsyncDisposable {
  readonly publisher: Publisher;
  readonly subscriber: Subscriber;

  private constructor(
    readonly signal: SignalClient,
    sending: WeriftTransport,
    receiving: WeriftTransport,
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
    this.publisher = new Publisher(sending, of(SignalTarget.PUBLISHER), signal.sid);
    this.subscriber = new Subscriber(receiving, of(SignalTarget.SUBSCRIBER));
  }

  /** Joined; what the server offers waits for begin(). */
  static async join(url: string, token: string): Promise<BareConnections> {
    const [signal, ...transports] = await Promise.all([
      SignalClient.join(url, token),
      WeriftTransport.create(OPTIONS),
      WeriftTransport.create(OPTIONS),
    ]);
    return new BareConnections(signal, ...transports);
  }

  /** Answers the server's offers from now on, those that came already first. */
  begin(): void {
    for (const message of this.signal.messages) this.#onMessage(message);
    this.signal.onMessage = (message) => this.#onMessage(message);
  }

  /** Announces a track; resolves with its payload type when RTP packets of that SSRC can be sent. */
  async publish(kind: 'video' | 'audio', ssrc: number): Promise<number> {
    const cid = `${kind}-${ssrc}`;
    const [type, source] = kind === 'video' ? [TrackType.VIDEO, 1] : [TrackType.AUDIO, 2];
    this.signal.send({ case: 'addTrack', value: new AddTrackRequest({ cid, type, source }) });
    await this.signal.waitFor('trackPublished', (response) => response.cid === cid);
    const { payloadType } = await this.publisher.add({ kind, cid, ssrcs: [ssrc], rids: [''], stereo: false });
    return payloadType;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.publisher.close(), this.subscriber.close()]);
    await this.signal[Symbol.asyncDispose]();
  }

  #onMessage(message: SignalClient['messages'][number]): void {
    if (message.case === 'offer') this.subscriber.onOffer(message.value.sdp, message.value.id);
    if (message.case === 'answer') this.publisher.onAnswer(message.value.sdp, message.value.id);
  }
}
