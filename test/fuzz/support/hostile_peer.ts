import { AddTrackRequest, SessionDescription, SignalTarget, TrackType, TrickleRequest } from '@livekit/protocol';
import { Publisher } from '../../../coreservice/rtc/session/publisher.js';
import { Subscriber } from '../../../coreservice/rtc/session/subscriber.js';
import type { MediaTransportOptions } from '../../../webrtc/media_transport.js';
import { WeriftTransport } from '../../../webrtc/werift_transport.js';
import { SignalClient } from '../../integration/channelserver/signal_client.js';

const OPTIONS: MediaTransportOptions = { iceServers: [], addresses: 'any-and-loopback', connectTimeoutMs: 8000 };

/** A participant with valid keys on both connections, whose packets are made one by one. */
export class HostilePeer implements AsyncDisposable {
  readonly #publisher: Publisher;
  readonly #subscriber: Subscriber;

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
    this.#publisher = new Publisher(sending, of(SignalTarget.PUBLISHER), signal.sid);
    this.#subscriber = new Subscriber(receiving, of(SignalTarget.SUBSCRIBER));
    for (const message of signal.messages) this.#onMessage(message);
    signal.onMessage = (message) => this.#onMessage(message);
  }

  static async join(url: string, token: string): Promise<HostilePeer> {
    const [signal, ...transports] = await Promise.all([
      SignalClient.join(url, token),
      WeriftTransport.create(OPTIONS),
      WeriftTransport.create(OPTIONS),
    ]);
    return new HostilePeer(signal, ...transports);
  }

  /** Announces a track of each SSRC; resolves with their payload types when packets can be sent. */
  async publish(ssrcs: readonly number[]): Promise<number[]> {
    const sections = ssrcs.map(async (ssrc, index) => {
      const kind = index % 2 === 0 ? 'video' : 'audio';
      const cid = `${kind}-${ssrc}`;
      const type = kind === 'video' ? TrackType.VIDEO : TrackType.AUDIO;
      this.signal.send({
        case: 'addTrack',
        value: new AddTrackRequest({ cid, type, source: index % 2 === 0 ? 1 : 2 }),
      });
      await this.signal.waitFor('trackPublished', (response) => response.cid === cid);
      const { payloadType } = await this.#publisher.add({ kind, cid, ssrcs: [ssrc], rids: [''], stereo: false });
      return payloadType;
    });
    return Promise.all(sections);
  }

  /** Under valid keys, on the connection that sends or the one that receives. What cannot be encrypted (no header) is left out. */
  send(connection: 'publisher' | 'subscriber', packet: Buffer, isRtcp: boolean): void {
    const { transport } = connection === 'publisher' ? this.#publisher : this.#subscriber;
    try {
      if (isRtcp) transport.sendRtcp(packet);
      else transport.sendRtp(packet);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
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
