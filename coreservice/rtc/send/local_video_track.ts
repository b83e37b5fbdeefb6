import { EventEmitter } from 'node:events';
import { packetizeH264 } from '../../../rtp/h264.js';
import type { LocalTrackStats, LocalVideoTrack, PublishVideoOptions } from '../types.js';
import { KeyFrameLimiter } from './key_frame_limiter.js';
import { addStats, OutgoingStream } from './outgoing_stream.js';

type Quality = 'high' | 'low';

/** Octets of an RTP payload: with header, extensions and SRTP's tag it stays under 1200 (RFC 8834 leaves the choice to us; LiveKit uses the same). */
const MAX_PAYLOAD_BYTES = 1150;
/** About 2 s of the highest bit rate. */
const HISTORY_PACKETS = 2048;
export const VIDEO_CLOCK_RATE = 90_000;

/** A published camera or screen: one stream per simulcast layer. Outlives rejoins; frames sent while there is no connection are dropped. */
export class SentVideoTrack
  extends EventEmitter<{
    key_frame_requested: [quality: Quality];
    layers_wanted: [qualities: ReadonlySet<Quality>];
    ended: [];
  }>
  implements LocalVideoTrack
{
  readonly kind = 'video';
  readonly options: PublishVideoOptions;
  /** Lowest quality first, as simulcast names go: q, h. */
  readonly layers: readonly { quality: Quality; rid: string; stream: OutgoingStream }[];
  /** Set while it is published on a session: tells the server. */
  onResized: ((width: number, height: number) => void) | undefined;
  readonly #limiter: KeyFrameLimiter;
  #sid = '';
  #ended = false;

  constructor(options: PublishVideoOptions) {
    super();
    this.options = options;
    const order: Quality[] = ['low', 'high'];
    const qualities = order.filter((quality) => options.layers.some((layer) => layer.quality === quality));
    const rids = qualities.length > 1 ? ['q', 'h'] : [''];
    this.layers = qualities.map((quality, i) => ({
      quality,
      rid: rids[i] ?? '',
      stream: new OutgoingStream({ clockRate: VIDEO_CLOCK_RATE, historyPackets: HISTORY_PACKETS }),
    }));
    for (const { quality, stream } of this.layers)
      stream.on('key_frame_requested', () => this.#limiter.request(quality));
    this.#limiter = new KeyFrameLimiter((quality) => this.emit('key_frame_requested', quality));
  }

  get sid(): string {
    return this.#sid;
  }

  get streams(): readonly OutgoingStream[] {
    return this.layers.map((layer) => layer.stream);
  }

  assignSid(sid: string): void {
    this.#sid = sid;
  }

  send(accessUnit: Buffer, options: { captureTimeUs: number; keyFrame: boolean; quality: Quality }): void {
    const layer = this.layers.find(({ quality }) => quality === options.quality) ?? this.layers.at(-1);
    if (this.#ended || layer === undefined || !layer.stream.isBound) return;
    const payloads = packetizeH264(accessUnit, MAX_PAYLOAD_BYTES);
    if (payloads.length === 0) return;
    const { captureTimeUs } = options;
    const timestamp = Math.round((captureTimeUs * VIDEO_CLOCK_RATE) / 1e6);
    // No room: receivers cannot go on without this frame, so a key frame has to follow.
    if (!layer.stream.sendFrame(payloads, { timestamp, captureTimeUs }, 'last')) this.#limiter.request(layer.quality);
  }

  resize(width: number, height: number): void {
    const high = this.options.layers.find(({ quality }) => quality === 'high');
    // A rejoin announces the track anew by its options.
    if (high !== undefined) Object.assign(high, { width, height });
    this.onResized?.(width, height);
  }

  /** A new subscriber on the server's side gets its first picture sooner when it need not ask. */
  requestKeyFrames(): void {
    for (const { quality } of this.layers) this.#limiter.request(quality);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#limiter.close();
    for (const stream of this.streams) stream.bind(undefined);
    this.emit('ended');
  }

  stats(): LocalTrackStats {
    return addStats(this.streams);
  }
}
