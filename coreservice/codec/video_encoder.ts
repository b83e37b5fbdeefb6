import { Codec, CodecContext, Frame, Rational } from 'node-av/lib';
import type { Packet } from 'node-av/lib';
import {
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_YUV420P,
  AV_PKT_DATA_QUALITY_STATS,
  FF_ENCODER_LIBX264,
} from 'node-av/constants';
import { checkAv, internalError, invalidArgument, newPacket, setOptions } from './av.js';
import { CallQueue } from './call_queue.js';
import { FrameRateMeter } from './frame_rate_meter.js';
import { i420Size } from './types.js';
import type { EncodedPicture, I420Picture, VideoEncoder, VideoEncoderSettings } from './types.js';

/** Measured at 480p30 and 720p30: 1.1 to 1.7 dB better than ultrafast for 40 % more CPU; veryfast is 0.1 to 0.4 dB better still for 50 % more. */
const DEFAULT_PRESET = 'superfast';
/** How much may be sent ahead of the bit rate: the size of a key frame against the burst on the network. */
const VBV_MS = 600;
const LONGEST_KEY_FRAME_INTERVAL_MS = 10_000;
/** x264 counts pictures, we count time: its own interval must never come first. */
const NO_GOP_LIMIT = 1 << 20;
const QUEUE_LIMIT = 16;
/** FFmpeg's FF_QP2LAMBDA: its quality figure is the quantiser times this. */
const QP_TO_LAMBDA = 118;
/** Below this change the rate control is left alone. */
const RATE_TOLERANCE = 0.05;

interface EncodeOptions {
  timeUs: number;
  forceKeyFrame: boolean;
}

/** H.264 by x264 through FFmpeg. Encoding runs on a thread of libuv's pool; the event loop is not held. */
export class X264Encoder implements VideoEncoder {
  #settings: VideoEncoderSettings;
  #session: X264Session | undefined;
  readonly #queue = new CallQueue('the video encoder', QUEUE_LIMIT);

  /** Throws invalid_argument for settings that x264 cannot take. The library's context is opened with the first picture. */
  constructor(settings: VideoEncoderSettings) {
    this.#settings = checkedSettings(settings);
  }

  get settings(): Readonly<VideoEncoderSettings> {
    return this.#settings;
  }

  configure(settings: VideoEncoderSettings): void {
    this.#settings = checkedSettings(settings);
  }

  encode(picture: I420Picture, options: EncodeOptions): Promise<EncodedPicture> {
    // The settings of this moment: a later configure() is for later pictures.
    const settings = this.#settings;
    return this.#queue.run(() => this.#encode(picture, options, settings));
  }

  async #encode(picture: I420Picture, options: EncodeOptions, settings: VideoEncoderSettings): Promise<EncodedPicture> {
    if (picture.width !== settings.width || picture.height !== settings.height)
      throw invalidArgument(
        'width, height',
        `${picture.width}x${picture.height}`,
        `the encoder is configured for ${settings.width}x${settings.height}`,
      );
    if (picture.data.length < i420Size(picture.width, picture.height))
      throw invalidArgument('data', `${picture.data.length} bytes`, 'shorter than the picture');
    if (this.#session !== undefined && !this.#session.suits(settings)) this.#closeSession();
    this.#session ??= new X264Session(settings);
    try {
      return await this.#session.encode(picture, options, settings);
    } catch (error) {
      this.#closeSession();
      throw error;
    }
  }

  #closeSession(): void {
    this.#session?.free();
    this.#session = undefined;
  }

  async close(): Promise<void> {
    await this.#queue.close();
    this.#closeSession();
  }
}

/** One opened x264, of one size and preset. */
class X264Session {
  readonly #context: CodecContext;
  readonly #frame = new Frame();
  readonly #packet: Packet = newPacket();
  readonly #openedWith: VideoEncoderSettings;
  readonly #frameRate: FrameRateMeter;
  #pictures = 0;
  #lastKeyFrameUs: number | undefined;
  #appliedKbps: number;

  constructor(settings: VideoEncoderSettings) {
    this.#openedWith = settings;
    this.#frameRate = new FrameRateMeter(settings.frameRate);
    this.#appliedKbps = settings.bitrateKbps;
    this.#context = openX264(settings);
    this.#frame.alloc();
    this.#frame.format = AV_PIX_FMT_YUV420P;
    this.#frame.width = settings.width;
    this.#frame.height = settings.height;
    // Never filled: FFmpeg copies a frame that owns no memory before it encodes it, one that does own some it only counts. Saves 5 % of the encoding.
    checkAv(this.#frame.getBuffer(), 'memory for a frame');
  }

  suits(settings: VideoEncoderSettings): boolean {
    const opened = this.#openedWith;
    return settings.width === opened.width && settings.height === opened.height && settings.preset === opened.preset;
  }

  async encode(picture: I420Picture, options: EncodeOptions, settings: VideoEncoderSettings): Promise<EncodedPicture> {
    this.#steerRate(options.timeUs, settings);
    const frame = this.#frame;
    // No copy here: the frame's planes point into the Buffer. x264 copies the picture into its own, aligned one, before the send ends.
    checkAv(frame.fromBuffer(picture.data), 'picture to frame');
    frame.pts = BigInt(this.#pictures++);
    frame.pictType = this.#keyFrameDue(options, settings) ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    // FFmpeg encodes inside send; receive only hands over the packet, so it need not go to a thread.
    const sent = await this.#context.sendFrame(frame);
    checkAv(sent, 'encoding a picture');
    checkAv(this.#context.receivePacketSync(this.#packet), 'taking the access unit');
    // The picture is used after the wait, so it is not collected while FFmpeg reads it on another thread.
    return this.#takePacket(options.timeUs, picture);
  }

  #takePacket(timeUs: number, { width, height }: I420Picture): EncodedPicture {
    const packet = this.#packet;
    const data = packet.data;
    const quality = packet.getSideData(AV_PKT_DATA_QUALITY_STATS);
    const keyFrame = packet.isKeyframe;
    packet.unref();
    if (data === null) throw internalError('x264 gave an empty access unit');
    if (keyFrame) this.#lastKeyFrameUs = timeUs;
    const qp = quality === null ? 0 : Math.round(quality.readUInt32LE(0) / QP_TO_LAMBDA);
    return { data, keyFrame, timeUs, width, height, qp };
  }

  #keyFrameDue({ timeUs, forceKeyFrame }: EncodeOptions, settings: VideoEncoderSettings): boolean {
    if (forceKeyFrame || this.#lastKeyFrameUs === undefined) return true;
    const intervalMs =
      settings.keyFrameIntervalMs > 0
        ? Math.min(settings.keyFrameIntervalMs, LONGEST_KEY_FRAME_INTERVAL_MS)
        : LONGEST_KEY_FRAME_INTERVAL_MS;
    // An upper bound: when the next picture would be late, this one is the key frame. A thousandth of a second is for rounded times.
    const nextUs = timeUs + 1e6 / this.#frameRate.perSecond;
    return nextUs - this.#lastKeyFrameUs > intervalMs * 1000 + 1000;
  }

  /**
   * Without a picture of delay x264 cannot know durations, so it gives every picture bit rate / opened frame rate. What is really pushed may be slower or faster,
   * and the frame rate may be configured anew: the bit rate that x264 is told is scaled so that the one in real time is the configured one. x264 takes a new
   * bit rate and buffer between two pictures.
   */
  #steerRate(timeUs: number, settings: VideoEncoderSettings): void {
    this.#frameRate.add(timeUs);
    const perPicture = settings.bitrateKbps / this.#frameRate.perSecond;
    const wantedKbps = Math.max(1, Math.round(perPicture * this.#openedWith.frameRate));
    if (Math.abs(wantedKbps - this.#appliedKbps) <= this.#appliedKbps * RATE_TOLERANCE) return;
    this.#appliedKbps = wantedKbps;
    setRate(this.#context, wantedKbps);
  }

  free(): void {
    this.#context.freeContext();
    this.#frame.free();
    this.#packet.free();
  }
}

function openX264(settings: VideoEncoderSettings): CodecContext {
  const codec = Codec.findEncoderByName(FF_ENCODER_LIBX264);
  if (codec === null) throw internalError('this FFmpeg has no libx264');
  const context = new CodecContext();
  context.allocContext3(codec);
  try {
    context.width = settings.width;
    context.height = settings.height;
    context.pixelFormat = AV_PIX_FMT_YUV420P;
    const rate = Math.max(1, Math.round(settings.frameRate * 1000));
    context.timeBase = new Rational(1000, rate);
    context.framerate = new Rational(rate, 1000);
    context.gopSize = NO_GOP_LIMIT;
    context.maxBFrames = 0;
    context.threadCount = 1;
    setRate(context, settings.bitrateKbps);
    setOptions(context, {
      preset: settings.preset ?? DEFAULT_PRESET,
      tune: 'zerolatency',
      profile: 'baseline',
      'forced-idr': '1',
      // Key frames only when due; parameter sets in front of each; one slice, so that a picture is one NAL unit.
      'x264-params': 'scenecut=0:repeat-headers=1:annexb=1:sliced-threads=0',
    });
    checkAv(context.open2Sync(codec, null), `opening x264 for ${settings.width}x${settings.height}`);
    return context;
  } catch (error) {
    context.freeContext();
    throw error;
  }
}

/** Constant bit rate: average and maximum are the same. */
function setRate(context: CodecContext, kbps: number): void {
  context.bitRate = BigInt(kbps * 1000);
  context.rcMaxRate = BigInt(kbps * 1000);
  context.rcBufferSize = kbps * VBV_MS;
}

function checkedSettings(settings: VideoEncoderSettings): VideoEncoderSettings {
  for (const field of ['width', 'height'] as const) {
    const value = settings[field];
    if (!Number.isInteger(value) || value < 16 || value > 4096 || value % 2 !== 0)
      throw invalidArgument(field, value, 'an even number of 16 to 4096 is needed');
  }
  if (!(settings.frameRate >= 1 && settings.frameRate <= 120))
    throw invalidArgument('frame_rate', settings.frameRate, '1 to 120 is possible');
  if (!Number.isInteger(settings.bitrateKbps) || settings.bitrateKbps < 1 || settings.bitrateKbps > 100_000)
    throw invalidArgument('bitrate_kbps', settings.bitrateKbps, 'a whole number of 1 to 100000 is needed');
  if (!(settings.keyFrameIntervalMs >= 0))
    throw invalidArgument('key_frame_interval_ms', settings.keyFrameIntervalMs, '0 or more is needed');
  return { ...settings };
}
