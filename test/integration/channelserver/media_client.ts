import {
  AddTrackRequest,
  SessionDescription,
  SignalTarget,
  TrickleRequest,
  type SignalResponse,
} from '@livekit/protocol';
import { RTCPeerConnection, RtpHeader, RtpPacket, useH264, useOPUS, useVP8 } from 'werift';
import type { MediaStreamTrack } from 'werift';
import { isVp8KeyFrameStart, parseVp8Descriptor, parseVp8KeyFrame } from '../../../rtp/vp8.js';
import { parseSdp } from '../../../webrtc/sdp/parse_sdp.js';
import { SignalClient } from './signal_client.js';

export interface ReceivedTrack {
  packets: number;
  /** Of VP8 key frames, in their order. */
  sizes: string[];
  payloadTypes: Set<number>;
  /** Sequence numbers as they came. */
  sequences: number[];
}

/** A LiveKit client that receives and counts, with werift's peer connection; it takes and leaves codecs as told. */
export class MediaClient implements AsyncDisposable {
  /** By track sid. */
  readonly tracks = new Map<string, ReceivedTrack>();
  readonly #subscriber: RTCPeerConnection;
  #offer = '';
  readonly #publisher: RTCPeerConnection;

  private constructor(
    readonly signal: SignalClient,
    codecs: readonly ('vp8' | 'h264')[],
  ) {
    const options = {
      iceServers: [],
      iceUseIpv6: false,
      iceAdditionalHostAddresses: ['127.0.0.1'],
      bundlePolicy: 'max-bundle' as const,
      codecs: {
        audio: [useOPUS({ payloadType: 111 })],
        video: codecs.map((codec) => (codec === 'vp8' ? useVP8() : useH264())),
      },
    };
    this.#subscriber = new RTCPeerConnection(options);
    this.#publisher = new RTCPeerConnection(options);
    this.#subscriber.ontrack = ({ track, transceiver }) => this.#onTrack(track, transceiver.mid ?? '');
  }

  static async join(url: string, token: string, codecs: readonly ('vp8' | 'h264')[], query = ''): Promise<MediaClient> {
    const client = new MediaClient(await SignalClient.join(url, token, query), codecs);
    for (const message of client.signal.messages) client.#onMessage(message);
    client.signal.onMessage = (message) => client.#onMessage(message);
    return client;
  }

  received(sid: string): ReceivedTrack {
    return this.tracks.get(sid) ?? { packets: 0, sizes: [], payloadTypes: new Set(), sequences: [] };
  }

  /** Publishes an Opus track and gives back how to send a packet on it. */
  async publishAudio(): Promise<{ sid: string; send: (sequence: number) => void }> {
    const transceiver = this.#publisher.addTransceiver('audio', { direction: 'sendonly' });
    const cid = transceiver.sender.trackId;
    transceiver.sender.streamIds = [this.signal.sid];
    this.signal.send({ case: 'addTrack', value: new AddTrackRequest({ cid, type: 0, source: 2 }) });
    const published = await this.signal.waitFor('trackPublished', (response) => response.cid === cid);
    const offer = await this.#publisher.createOffer();
    await this.#publisher.setLocalDescription(offer);
    const sdp = this.#publisher.localDescription?.sdp ?? '';
    this.signal.send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp }) });
    const answer = await this.signal.waitFor('answer');
    await this.#publisher.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    if (this.#publisher.connectionState !== 'connected')
      await this.#publisher.connectionStateChange.watch((state) => state === 'connected', 5000);
    const send = (sequence: number): void => {
      const header = new RtpHeader({ sequenceNumber: sequence & 0xffff, timestamp: (sequence * 960) >>> 0, ssrc: 1 });
      const packet = new RtpPacket(header, Buffer.from([0xfc, 0xff, 0xfe]));
      void transceiver.sender.sendRtp(packet);
    };
    return { sid: published.track?.sid ?? '', send };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.signal[Symbol.asyncDispose]();
    await Promise.all([this.#subscriber.close(), this.#publisher.close()]);
  }

  #onMessage(message: SignalResponse['message']): void {
    if (message.case === 'offer') void this.#answer(message.value);
  }

  async #answer(offer: SessionDescription): Promise<void> {
    this.#offer = offer.sdp;
    await this.#subscriber.setRemoteDescription({ type: 'offer', sdp: offer.sdp });
    await this.#subscriber.setLocalDescription(await this.#subscriber.createAnswer());
    const sdp = this.#subscriber.localDescription?.sdp ?? '';
    this.signal.send({ case: 'answer', value: new SessionDescription({ type: 'answer', sdp, id: offer.id }) });
    this.signal.send({
      case: 'trickle',
      value: new TrickleRequest({ target: SignalTarget.SUBSCRIBER, candidateInit: '', final: true }),
    });
  }

  /** The library gives tracks names of its own; the offer has ours. */
  #onTrack(track: MediaStreamTrack, mid: string): void {
    const sid = parseSdp(this.#offer).media.find((media) => media.mid === mid)?.trackId ?? '';
    const received: ReceivedTrack = { packets: 0, sizes: [], payloadTypes: new Set(), sequences: [] };
    this.tracks.set(sid, received);
    track.onReceiveRtp.subscribe((packet) => {
      received.packets += 1;
      received.payloadTypes.add(packet.header.payloadType);
      received.sequences.push(packet.header.sequenceNumber);
      if (track.kind !== 'video' || !isVp8KeyFrameStart(packet.payload)) return;
      const size = parseVp8KeyFrame(packet.payload.subarray(parseVp8Descriptor(packet.payload)?.bytes ?? 0));
      if (size !== undefined) received.sizes.push(`${size.width}x${size.height}`);
    });
  }
}
