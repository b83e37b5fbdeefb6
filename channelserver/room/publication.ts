import { SimulcastCodecInfo, TimedVersion, TrackInfo, TrackType, VideoLayer, VideoQuality } from '@livekit/protocol';
import type { AddTrackRequest } from '@livekit/protocol';
import type { CodecName, ForwardCodec } from '../forward/codecs.js';
import { codecNameOf, mimeTypeOf } from '../forward/codecs.js';
import type { UpTrack } from '../forward/up_track.js';
import { newSid } from './ids.js';

/** One track of a participant: announced by AddTrack, published once an m-line carries it. */
export class Publication {
  readonly sid = newSid('TR');
  /** The client's name for it, by which the m-line is found. */
  readonly cid: string;
  readonly kind: 'audio' | 'video';
  readonly info: TrackInfo;
  /** Undefined: the client left the choice to the order of its offer. */
  readonly announcedCodec: CodecName | undefined;
  /** What receives it; undefined until an m-line carries it. */
  track: UpTrack | undefined;
  /** Its m-line has only codecs that cannot be forwarded: others know of it, and a subscription fails with the reason. */
  unsupported = false;

  constructor(request: AddTrackRequest) {
    this.cid = request.cid;
    this.kind = request.type === TrackType.AUDIO ? 'audio' : 'video';
    const first = request.simulcastCodecs[0];
    this.announcedCodec = this.kind === 'audio' ? 'opus' : codecNameOf(first?.codec ?? '');
    const layers = (request.layers.length > 0 ? request.layers : (first?.layers ?? [])).map((layer) => layer.clone());
    this.info = new TrackInfo({
      sid: this.sid,
      type: request.type,
      name: request.name,
      muted: request.muted,
      width: request.width,
      height: request.height,
      simulcast: this.kind === 'video' && layers.length > 1,
      disableDtx: request.disableDtx,
      source: request.source,
      layers: this.kind === 'video' && layers.length === 0 ? [defaultLayer(request)] : layers,
      mimeType: this.announcedCodec === undefined ? '' : mimeTypeOf(this.announcedCodec),
      stereo: request.stereo,
      disableRed: true,
      encryption: request.encryption,
      stream: request.stream,
      audioFeatures: request.audioFeatures,
    });
    this.touch();
  }

  get published(): boolean {
    return this.track !== undefined || this.unsupported;
  }

  /** The m-line is there, and nobody can receive what it has. */
  refused({ mid, codec }: { mid: string; codec: string }): void {
    this.unsupported = true;
    this.info.mid = mid;
    this.info.mimeType = `${this.kind}/${codec}`;
    this.touch();
  }

  /** The m-line is there: its codec and RIDs are what is really sent. */
  bound(track: UpTrack, media: { mid: string; codec: ForwardCodec; rids: readonly string[] }): void {
    this.track = track;
    this.unsupported = false;
    this.info.mid = media.mid;
    this.info.mimeType = mimeTypeOf(media.codec.name);
    this.info.simulcast = media.rids.length > 1;
    track.muted = this.info.muted;
    // Clients write layers in either order; ours is that of the RIDs, lowest first.
    this.info.layers.sort((a, b) => a.quality - b.quality);
    this.info.layers.forEach((layer, index) => {
      layer.spatialLayer = index;
      layer.rid = track.rids[index] ?? '';
    });
    if (this.kind === 'video')
      this.info.codecs = [
        new SimulcastCodecInfo({
          mimeType: this.info.mimeType,
          mid: media.mid,
          cid: this.cid,
          layers: this.info.layers.map((layer) => layer.clone()),
        }),
      ];
    this.touch();
  }

  /** False when nothing changes. */
  setMuted(muted: boolean): boolean {
    if (this.info.muted === muted) return false;
    this.info.muted = muted;
    if (this.track !== undefined) this.track.muted = muted;
    this.touch();
    return true;
  }

  setSize(width: number, height: number): void {
    this.info.width = width;
    this.info.height = height;
    this.touch();
  }

  touch(): void {
    this.info.version = new TimedVersion({ unixMicro: BigInt(Date.now()) * 1000n });
  }
}

function defaultLayer(request: AddTrackRequest): VideoLayer {
  return new VideoLayer({ quality: VideoQuality.HIGH, width: request.width, height: request.height });
}
