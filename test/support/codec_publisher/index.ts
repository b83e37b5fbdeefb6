import type { TrickleRequest } from '@livekit/protocol';
import {
  AddTrackRequest,
  SessionDescription,
  SignalTarget,
  SimulcastCodec,
  TrackSource,
  TrackType,
  VideoLayer,
  VideoQuality,
  type SignalResponse,
  type SubscribedQualityUpdate,
} from '@livekit/protocol';
import { RTCPeerConnection, RTCRtpCodecParameters, type RTCRtpTransceiver } from 'werift';
import { SignalClient } from '../../integration/channelserver/signal_client.js';
import { Camera, CAMERA, type CameraCodec } from './camera.js';

export type { CameraCodec } from './camera.js';

interface Publication {
  sid: string;
  backup: CameraCodec | undefined;
  sent: { codec: CameraCodec; transceiver: RTCRtpTransceiver; camera: Camera }[];
}

const FEEDBACK = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'ccm', parameter: 'fir' }];
const CODECS: Record<CameraCodec, RTCRtpCodecParameters> = {
  h265: codec('H265', 100),
  h264: codec('H264', 102, 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f'),
};

function codec(name: string, payloadType: number, parameters?: string): RTCRtpCodecParameters {
  const fmtp = parameters === undefined ? {} : { parameters };
  return new RTCRtpCodecParameters({
    mimeType: `video/${name}`,
    clockRate: 90_000,
    payloadType,
    rtcpFeedback: FEEDBACK,
    ...fmtp,
  });
}

/**
 * A LiveKit client that is not ours, with werift's peer connection: it offers its camera in one codec of a test's choice and in no other, as an SDK on
 * hardware that has only that one. Where a backup codec was named that is offered behind it, and published beside it as soon as the server asks for it, as
 * the official SDKs do.
 */
export class CodecPublisher implements AsyncDisposable {
  readonly #signal: SignalClient;
  readonly #publisher: RTCPeerConnection;
  readonly #subscriber: RTCPeerConnection;
  readonly #publications: Publication[] = [];
  #offers = 0;
  /** One negotiation at a time. */
  #negotiating: Promise<unknown> = Promise.resolve();
  readonly #failures: string[] = [];

  private constructor(signal: SignalClient) {
    const options = {
      iceServers: [],
      iceUseIpv6: false,
      iceAdditionalHostAddresses: ['127.0.0.1'],
      bundlePolicy: 'max-bundle' as const,
      codecs: { audio: [], video: Object.values(CODECS) },
    };
    this.#signal = signal;
    this.#publisher = new RTCPeerConnection(options);
    this.#subscriber = new RTCPeerConnection(options);
    for (const message of signal.messages) this.#onMessage(message);
    signal.onMessage = (message) => this.#onMessage(message);
  }

  /**
   * `decodes`: what its first m-line would receive, which nothing ever comes on. LiveKit knows of a connection only the codecs that its first offer of a
   * kind has, so who will send another codec later has to name it there.
   */
  static async join(url: string, token: string, decodes: readonly CameraCodec[] = []): Promise<CodecPublisher> {
    const publisher = new CodecPublisher(await SignalClient.join(url, token, '&auto_subscribe=0'));
    if (decodes.length > 0)
      publisher.#publisher
        .addTransceiver('video', { direction: 'recvonly' })
        .setCodecPreferences(decodes.map((name) => CODECS[name]));
    return publisher;
  }

  /** What went wrong while the server's messages were worked off. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  /** The codecs in which pictures leave by now. */
  get sentCodecs(): CameraCodec[] {
    return this.#publications.flatMap(({ sent }) => sent.map((one) => one.codec));
  }

  /** Resolves when the server has answered the offer with it. */
  async publish(codecName: CameraCodec, options: { backup?: CameraCodec } = {}): Promise<string> {
    const { backup } = options;
    const publication: Publication = { sid: '', backup, sent: [] };
    this.#publications.push(publication);
    const backups = backup === undefined ? [] : [new SimulcastCodec({ codec: backup })];
    const transceiver = this.#addTransceiver(backup === undefined ? [codecName] : [codecName, backup]);
    const cid = transceiver.sender.trackId;
    const { framesPerSecond: _, ...size } = CAMERA;
    const layers = [new VideoLayer({ quality: VideoQuality.HIGH, ...size, bitrate: 800_000 })];
    publication.sid = await this.#announce(
      new AddTrackRequest({
        cid,
        name: 'camera',
        type: TrackType.VIDEO,
        source: TrackSource.CAMERA,
        ...size,
        layers,
        simulcastCodecs: [new SimulcastCodec({ codec: codecName, cid, layers }), ...backups],
      }),
    );
    await this.#negotiate();
    this.#play(publication, transceiver, codecName);
    return publication.sid;
  }

  async unpublish(sid: string): Promise<void> {
    const index = this.#publications.findIndex((publication) => publication.sid === sid);
    for (const { transceiver, camera } of this.#publications.splice(index, 1)[0]?.sent ?? []) {
      camera.stop();
      transceiver.setDirection('inactive');
    }
    await this.#negotiate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { sent } of this.#publications) for (const { camera } of sent) camera.stop();
    await this.#signal[Symbol.asyncDispose]();
    await Promise.all([this.#publisher.close(), this.#subscriber.close()]);
  }

  #addTransceiver(names: CameraCodec[]): RTCRtpTransceiver {
    const transceiver = this.#publisher.addTransceiver('video', { direction: 'sendonly' });
    transceiver.setCodecPreferences(names.map((name) => CODECS[name]));
    transceiver.sender.streamIds = [this.#signal.sid];
    return transceiver;
  }

  async #announce(request: AddTrackRequest): Promise<string> {
    this.#signal.send({ case: 'addTrack', value: request });
    const { track } = await this.#signal.waitFor('trackPublished', ({ cid }) => cid === request.cid, 10_000);
    return track?.sid ?? '';
  }

  #negotiate(): Promise<void> {
    const next = this.#negotiating.then(() => this.#offer());
    this.#negotiating = next.catch(() => undefined);
    return next;
  }

  async #offer(): Promise<void> {
    const id = ++this.#offers;
    await this.#publisher.setLocalDescription(await this.#publisher.createOffer());
    const sdp = this.#publisher.localDescription?.sdp ?? '';
    this.#signal.send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp, id }) });
    const answer = await this.#signal.waitFor('answer', (description) => description.id === id, 10_000);
    await this.#publisher.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
  }

  #onMessage(message: SignalResponse['message']): void {
    const work = this.#work(message);
    work?.catch((error: unknown) => this.#failures.push(`${message.case ?? ''}: ${String(error)}`));
  }

  #work(message: SignalResponse['message']): Promise<void> | undefined {
    switch (message.case) {
      case 'offer':
        return this.#answer(message.value);
      case 'trickle':
        return this.#onTrickle(message.value);
      case 'subscribedQualityUpdate':
        return this.#onWanted(message.value);
      default:
        return undefined;
    }
  }

  async #answer(offer: SessionDescription): Promise<void> {
    await this.#subscriber.setRemoteDescription({ type: 'offer', sdp: offer.sdp });
    await this.#subscriber.setLocalDescription(await this.#subscriber.createAnswer());
    const sdp = this.#subscriber.localDescription?.sdp ?? '';
    this.#signal.send({ case: 'answer', value: new SessionDescription({ type: 'answer', sdp, id: offer.id }) });
  }

  async #onTrickle({ candidateInit, target }: TrickleRequest): Promise<void> {
    if (candidateInit === '') return;
    const connection = target === SignalTarget.PUBLISHER ? this.#publisher : this.#subscriber;
    const { candidate, sdpMid, sdpMLineIndex } = JSON.parse(candidateInit) as {
      candidate?: string;
      sdpMid?: string;
      sdpMLineIndex?: number;
    };
    if (candidate === undefined || candidate === '' || !candidate.includes(' udp ')) return;
    await connection.addIceCandidate({ candidate, sdpMid: sdpMid ?? '0', sdpMLineIndex: sdpMLineIndex ?? 0 });
  }

  /** The server names the codecs that somebody wants; a backup that is not sent yet is published beside the first one. */
  async #onWanted({ trackSid, subscribedCodecs }: SubscribedQualityUpdate): Promise<void> {
    const publication = this.#publications.find(({ sid }) => sid === trackSid);
    const backup = publication?.backup;
    if (publication === undefined || backup === undefined) return;
    const isWanted = subscribedCodecs.some(
      ({ codec: name, qualities }) => name.toLowerCase() === backup && qualities.some(({ enabled }) => enabled),
    );
    if (!isWanted) return;
    // Once.
    publication.backup = undefined;
    const transceiver = this.#addTransceiver([backup]);
    const cid = transceiver.sender.trackId;
    const { framesPerSecond: _, ...size } = CAMERA;
    await this.#announce(
      new AddTrackRequest({
        cid,
        sid: trackSid,
        type: TrackType.VIDEO,
        source: TrackSource.CAMERA,
        layers: [new VideoLayer({ quality: VideoQuality.HIGH, ...size, bitrate: 800_000 })],
        simulcastCodecs: [new SimulcastCodec({ codec: backup, cid })],
      }),
    );
    await this.#negotiate();
    this.#play(publication, transceiver, backup);
  }

  /** In the codec that the server chose of those that were offered. */
  #play(publication: Publication, transceiver: RTCRtpTransceiver, offered: CameraCodec): void {
    const negotiated = transceiver.sender.codec?.name.toLowerCase();
    const chosen = negotiated === 'h264' || negotiated === 'h265' ? negotiated : offered;
    publication.sent.push({ codec: chosen, transceiver, camera: new Camera(transceiver.sender, chosen) });
  }
}
