import { h264PayloadSize, isH264KeyFrameStart } from '../../rtp/h264.js';
import type { RtpPacket } from '../../rtp/packet.js';
import type { NtpTime } from '../../rtp/clock.js';
import { isVp8KeyFrameStart, parseVp8Descriptor, parseVp8KeyFrame } from '../../rtp/vp8.js';
import type { Logger } from '../../common/logger.js';
import type { CodecName, ForwardCodec } from './codecs.js';
import type { DownTrack } from './down_track.js';
import { orderRids } from './layer_choice.js';
import { LayerDemand } from './layer_demand.js';
import { UpLayer } from './up_layer.js';

/** A published track: its layers come in, its subscribers' copies go out. */
export class UpTrack {
  readonly kind: 'audio' | 'video';
  readonly codec: ForwardCodec;
  /** Lowest first; one empty RID without simulcast. */
  readonly rids: readonly string[];
  readonly #logger: Logger;
  /** By the place of the RID; undefined until a packet came. */
  readonly #layers: (UpLayer | undefined)[];
  readonly #downs = new Set<DownTrack>();
  #askForKeyFrame: ((layer: UpLayer) => void) | undefined;
  #demand: LayerDemand | undefined;
  #muted = false;
  #closed = false;

  constructor(media: { codec: ForwardCodec; rids: readonly string[] }, logger: Logger) {
    this.codec = media.codec;
    this.kind = media.codec.name === 'opus' ? 'audio' : 'video';
    this.rids = media.rids.length > 0 ? orderRids(media.rids) : [''];
    this.#layers = this.rids.map(() => undefined);
    this.#logger = logger;
  }

  get layers(): readonly (UpLayer | undefined)[] {
    return this.#layers;
  }

  get muted(): boolean {
    return this.#muted;
  }

  /** Nothing is forwarded while muted; afterwards pictures begin with a key frame. */
  set muted(muted: boolean) {
    this.#muted = muted;
    for (const down of this.#downs) down.setMuted(muted);
  }

  /** Who can send a PLI to the publisher. */
  onKeyFrameNeeded(ask: (layer: UpLayer) => void): void {
    this.#askForKeyFrame = ask;
  }

  /** Who can tell the publisher which layers are wanted. */
  onDemand(tell: (highestLayer: number) => void): void {
    if (this.kind === 'audio') return;
    this.#demand = new LayerDemand(this.rids.length, tell);
    this.demandChanged();
  }

  attach(down: DownTrack): void {
    if (this.#closed) return;
    this.#downs.add(down);
    down.setMuted(this.#muted);
    this.demandChanged();
  }

  detach(down: DownTrack): void {
    this.#downs.delete(down);
    this.demandChanged();
  }

  /** A subscriber asks for another layer, or for none. */
  demandChanged(): void {
    if (this.#demand === undefined) return;
    let highest = -1;
    for (const down of this.#downs) highest = Math.max(highest, down.askedLayer());
    this.#demand.update(highest);
  }

  /** The layer of an SSRC that was seen for the first time; undefined for a RID that was not negotiated. */
  addLayer(ssrc: number, rid: string, nowMs: number): UpLayer | undefined {
    const index = this.rids.indexOf(rid);
    const place = index >= 0 ? index : this.rids.length === 1 ? 0 : -1;
    if (place < 0) return undefined;
    const layer = new UpLayer(ssrc, this.rids[place] ?? '', this.kind, this.codec.clockRate, nowMs);
    this.#layers[place] = layer;
    this.#logger.debug({ ssrc, rid, codec: this.codec.name }, 'a layer begins');
    for (const down of this.#downs) down.review(nowMs);
    return layer;
  }

  receive(layer: UpLayer, packet: RtpPacket, nowMs: number): void {
    layer.onPacket(packet, nowMs);
    const keyFrame = this.kind === 'video' && this.#isKeyFrameStart(packet.payload);
    if (keyFrame) this.#readSize(layer, packet.payload, nowMs);
    // Nobody begins with a late start: what follows it has come before, and would be missing behind it for ever.
    const canBegin = keyFrame && !layer.lastIsLate;
    for (const down of this.#downs) down.forward(layer, packet, canBegin, nowMs);
  }

  onSenderReport(layer: UpLayer, ntp: NtpTime, rtpTimestamp: number, nowMs: number): void {
    layer.onSenderReport(ntp, rtpTimestamp, nowMs);
    for (const down of this.#downs) down.passSenderReport(layer, ntp, rtpTimestamp);
  }

  /** Limited to one PLI in 300 ms for a layer. */
  needKeyFrame(layer: UpLayer, nowMs: number): void {
    if (this.kind === 'video' && !this.#closed && layer.takePli(nowMs)) this.#askForKeyFrame?.(layer);
  }

  /** Layers come and go without a packet that says so. */
  review(nowMs: number): void {
    for (const down of this.#downs) down.review(nowMs);
  }

  close(): void {
    this.#closed = true;
    this.#downs.clear();
    this.#askForKeyFrame = undefined;
    this.#demand?.close();
  }

  /** Whoever asked for a size may have meant another layer. */
  #readSize(layer: UpLayer, payload: Buffer, nowMs: number): void {
    const size = sizeOf(this.codec.name, payload);
    if (size === undefined || (size.width === layer.width && size.height === layer.height)) return;
    layer.width = size.width;
    layer.height = size.height;
    if (this.rids.length < 2) return;
    for (const down of this.#downs) down.review(nowMs);
    this.demandChanged();
  }

  #isKeyFrameStart(payload: Buffer): boolean {
    return this.codec.name === 'H264' ? isH264KeyFrameStart(payload) : isVp8KeyFrameStart(payload);
  }
}

function sizeOf(codec: CodecName, payload: Buffer): { width: number; height: number } | undefined {
  if (codec === 'H264') return h264PayloadSize(payload);
  const descriptor = parseVp8Descriptor(payload);
  return descriptor === undefined ? undefined : parseVp8KeyFrame(payload.subarray(descriptor.bytes));
}
