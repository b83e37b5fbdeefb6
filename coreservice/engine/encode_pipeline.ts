import { VideoEncoderOrientationMode } from '../ipc/enums.js';
import {
  i420Size,
  type EncodedPicture,
  type I420Picture,
  type PictureConverter,
  type PictureTarget,
  type RawPicture,
  type Rotation,
  type VideoEncoder,
  type VideoEncoderSettings,
} from '../codec/types.js';
import type { CodecFactory } from './contracts.js';
import { bitrateRange, type EncoderConfiguration } from './encoder_configuration.js';
import { fitOf } from './pushed_picture.js';

export interface EncodeRequest {
  picture: RawPicture;
  rotation: Rotation;
  renderMode: number;
  captureTimeUs: number;
  /** A black picture of the same size instead. */
  black: boolean;
  /** The size of the picture and not the configured one: what it stands for was sent as it was. */
  asPushed?: boolean;
}

/** One converter and one encoder: pushed pictures in, access units of one stream out. */
export class EncodePipeline {
  #converter: PictureConverter | undefined;
  #encoder: VideoEncoder | undefined;
  #forceKeyFrame = true;
  #told = '';

  constructor(
    private readonly codecs: CodecFactory,
    public configuration: EncoderConfiguration,
    /** The configured bit rate does not fit a size that was known only with the picture. */
    private readonly onCorrected: (text: string) => void = () => undefined,
  ) {}

  requestKeyFrame(): void {
    this.#forceKeyFrame = true;
  }

  async encode(request: EncodeRequest): Promise<EncodedPicture> {
    const { configuration } = this;
    const target = targetOf(request.asPushed ? { ...configuration, width: 0, height: 0 } : configuration, request);
    this.#converter ??= this.codecs.pictureConverter();
    const converted = this.#converter.convert(request.picture, target);
    const picture = request.black ? blackPicture(converted.width, converted.height) : converted;
    const forceKeyFrame = this.#forceKeyFrame;
    this.#forceKeyFrame = false;
    try {
      const encoder = this.#encoderFor(picture.width, picture.height);
      return await encoder.encode(picture, { timeUs: request.captureTimeUs, forceKeyFrame });
    } catch (error) {
      this.#forceKeyFrame = true;
      throw error;
    } finally {
      converted.release?.();
    }
  }

  /** The next picture starts with a new encoder. */
  async close(): Promise<void> {
    const encoder = this.#encoder;
    this.#encoder = undefined;
    this.#converter?.close();
    this.#converter = undefined;
    this.#forceKeyFrame = true;
    await encoder?.close();
  }

  #encoderFor(width: number, height: number): VideoEncoder {
    const settings = settingsFor(this.configuration, width, height);
    this.#tellCorrection(settings);
    if (this.#encoder === undefined) {
      this.#encoder = this.codecs.videoEncoder(settings);
      return this.#encoder;
    }
    const now = this.#encoder.settings;
    const same =
      now.width === settings.width &&
      now.height === settings.height &&
      now.frameRate === settings.frameRate &&
      now.bitrateKbps === settings.bitrateKbps &&
      now.keyFrameIntervalMs === settings.keyFrameIntervalMs;
    if (!same) this.#encoder.configure(settings);
    return this.#encoder;
  }

  #tellCorrection({ width, height, bitrateKbps }: VideoEncoderSettings): void {
    const wantedKbps = this.configuration.bitrateKbps;
    if (bitrateKbps === wantedKbps) return;
    const text = `bitrate ${wantedKbps} corrected to ${bitrateKbps} for pictures of ${width}x${height}`;
    if (text === this.#told) return;
    this.#told = text;
    this.onCorrected(text);
  }
}

function settingsFor(configuration: EncoderConfiguration, width: number, height: number): VideoEncoderSettings {
  const { frameRate, bitrateKbps, keyFrameIntervalMs } = configuration;
  // "As pushed": only now the size is known to which the bit rate has to fit.
  const asPushed = configuration.width === 0;
  const least = asPushed ? bitrateRange(width, height, frameRate).least : 0;
  return { width, height, frameRate, bitrateKbps: Math.max(bitrateKbps, least), keyFrameIntervalMs };
}

/** What the encoder is given: turned upright, then as the configuration wants it. */
export function targetOf(
  configuration: EncoderConfiguration,
  pushed: Pick<EncodeRequest, 'picture' | 'rotation' | 'renderMode'>,
): PictureTarget {
  const rotation = ((pushed.rotation + configuration.rotation) % 360) as Rotation;
  const turned = rotation === 90 || rotation === 270;
  const [width, height] = turned
    ? [pushed.picture.height, pushed.picture.width]
    : [pushed.picture.width, pushed.picture.height];
  const size = orient(configuration, width, height);
  return { ...size, fit: fitOf(pushed.renderMode), rotation, mirror: configuration.mirror };
}

function orient(configuration: EncoderConfiguration, width: number, height: number): { width: number; height: number } {
  if (configuration.width === 0) return { width: evenUp(width), height: evenUp(height) };
  const long = Math.max(configuration.width, configuration.height);
  const short = Math.min(configuration.width, configuration.height);
  switch (configuration.orientation) {
    case VideoEncoderOrientationMode.FixedLandscape:
      return { width: long, height: short };
    case VideoEncoderOrientationMode.FixedPortrait:
      return { width: short, height: long };
    default:
      // Adaptive: as pushed. A square keeps the configured shape.
      if (width === height) return { width: configuration.width, height: configuration.height };
      return width > height ? { width: long, height: short } : { width: short, height: long };
  }
}

/** 4:2:0 needs even sizes; the converter scales by that one line or column. */
function evenUp(value: number): number {
  return value + (value % 2);
}

function blackPicture(width: number, height: number): I420Picture {
  const data = Buffer.alloc(i420Size(width, height), 128);
  data.fill(16, 0, width * height);
  return { width, height, data };
}
