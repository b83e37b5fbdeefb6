/** What coreservice/codec offers to coreservice/engine. */

/** A picture in I420: planes Y, U, V one after the other without padding; chroma is ceil(width/2) by ceil(height/2). */
export interface I420Picture {
  width: number;
  height: number;
  data: Buffer;
  /** The bytes of `data` in pieces, where they can be had without a copy: to be read at once, before anything else is asked of who made the picture. */
  readonly planes?: readonly Uint8Array[] | undefined;
  /**
   * Gives the memory back to who made the picture, for a later one; afterwards nobody may read `data`, nor a view of it (call it when the socket's write is
   * done). Optional for both sides: memory that is not given back is collected. Calls after the first do nothing.
   */
  release?: () => void;
}

/** The number of bytes of an I420 picture without padding. */
export function i420Size(width: number, height: number): number {
  const chroma = ((width + 1) >> 1) * ((height + 1) >> 1);
  return width * height + 2 * chroma;
}

export type PixelFormat = 'i420' | 'nv12' | 'nv21' | 'bgra' | 'rgb24' | 'bgr24';

/** A pushed picture as it came; strides in bytes, 0 meaning without padding. strideU is the pair plane's for NV12 and NV21. */
export interface RawPicture {
  format: PixelFormat;
  width: number;
  height: number;
  strideY: number;
  strideU: number;
  strideV: number;
  data: Buffer;
}

/** Clockwise degrees. */
export type Rotation = 0 | 90 | 180 | 270;

/** The interface's RenderMode. */
export type Fit = 'auto' | 'stretch' | 'fill' | 'crop';

export interface PictureTarget {
  width: number;
  height: number;
  fit: Fit;
  rotation: Rotation;
  mirror: boolean;
}

/** Converts, turns, mirrors and scales pushed pictures to what an encoder takes. Keeps its contexts between pictures of one shape. */
export interface PictureConverter {
  /** With fit "auto" the result keeps the pushed aspect inside the target's area; sizes are even. Throws ERR_VIDEO_DATA_ERROR for a short buffer. */
  convert(picture: RawPicture, target: PictureTarget): I420Picture;
  close(): void;
}

export interface VideoEncoderSettings {
  width: number;
  height: number;
  frameRate: number;
  bitrateKbps: number;
  /** Upper bound for key frame distance; 0: no periodic key frames but those asked for, at most 10 s apart. */
  keyFrameIntervalMs: number;
  /** x264 preset; the default is chosen by measurement for real time. */
  preset?: string;
}

export interface EncodedPicture {
  /** One access unit, Annex B, SPS and PPS in front of key frames. */
  data: Buffer;
  keyFrame: boolean;
  /** The caller's tag of the picture (a time in microseconds). */
  timeUs: number;
  width: number;
  height: number;
  qp: number;
}

/** Real-time H.264, constrained baseline, no B pictures, no look-ahead: one picture in, one access unit out. */
export interface VideoEncoder {
  readonly settings: Readonly<VideoEncoderSettings>;
  /** Calls are answered in order. timeUs must grow. */
  encode(picture: I420Picture, options: { timeUs: number; forceKeyFrame: boolean }): Promise<EncodedPicture>;
  /** Effective with the next picture. A change of size or of rate control that x264 cannot make on the fly opens a new encoder, which starts with a key frame. */
  configure(settings: VideoEncoderSettings): void;
  close(): Promise<void>;
}

export type VideoCodecName = 'h264' | 'vp8';

export interface VideoDecoder {
  readonly codec: VideoCodecName;
  /**
   * One access unit in, no delay: its picture comes out in the same call, undefined when the decoder shows none. Calls are answered in order. Rejects on
   * data that cannot be decoded: ask for a key frame and go on with it.
   */
  decode(data: Buffer): Promise<I420Picture | undefined>;
  close(): Promise<void>;
}

/** Signed 16-bit samples, interleaved. */
export interface Pcm {
  sampleRate: number;
  channels: number;
  samples: Int16Array;
}

/** The highest frequency that is sent: narrowband, wideband, superwideband or fullband (RFC 6716, section 2). */
export type OpusBandwidthHz = 4000 | 8000 | 12_000 | 20_000;

export interface OpusEncoderSettings {
  channels: 1 | 2;
  bitrateKbps: number;
  /** 20,000 unless given. Fewer bits may narrow it further. */
  bandwidthHz?: OpusBandwidthHz;
}

export interface OpusEncoder {
  /** Exactly 20 ms at 48 kHz (960 samples per channel). Synchronous: it costs well under a millisecond. */
  encode(samples: Int16Array): Buffer;
  /** The bandwidth stays as it is unless given. */
  setBitrate(kbps: number, bandwidthHz?: OpusBandwidthHz): void;
  close(): void;
}

export interface OpusDecoder {
  /** 48 kHz, the channels asked for at creation. */
  decode(packet: Buffer): Int16Array;
  /** Fills a gap of so many samples per channel by concealment. */
  conceal(samplesPerChannel: number): Int16Array;
  close(): void;
}

/** Converts rate and channels of a running stream, keeping its filter's memory between calls. */
export interface Resampler {
  /** Any number of samples; the output's length follows the ratio over time. */
  convert(samples: Int16Array): Int16Array;
  close(): void;
}

/** AAC-LC in ADTS frames of 1024 samples. */
export interface AacEncoder {
  /** Any number of samples; gives the ADTS frames that are complete, none or several. */
  encode(samples: Int16Array): Buffer[];
  /** Effective half a second later, without a break in the sound. */
  setBitrate(kbps: number): void;
  close(): void;
}
