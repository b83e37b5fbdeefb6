import { Codec, CodecContext, FFmpegError, Frame } from 'node-av/lib';
import type { Packet } from 'node-av/lib';
import {
  AV_CODEC_FLAG_LOW_DELAY,
  AV_FRAME_FLAG_CORRUPT,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  FF_DECODER_H264,
  FF_DECODER_VP8,
} from 'node-av/constants';
import { AlirtcError } from '../../common/errors.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';
import { AGAIN, checkAv, internalError, newPacket, setOptions } from './av.js';
import { CallQueue } from './call_queue.js';
import { DecodedPicture } from './decoded_picture.js';
import { EventLoopBudget } from './event_loop_budget.js';
import { H264ContinuityCheck } from './h264_continuity.js';
import type { Continuity } from './h264_continuity.js';
import { PictureMemory } from './picture_memory.js';
import { PicturePool } from './picture_pool.js';
import type { I420Picture, VideoCodecName, VideoDecoder } from './types.js';

const QUEUE_LIMIT = 32;
/** A stream's header may claim any size; memory for more than this (4096x2304) is not taken. */
const MOST_PIXELS = 4096 * 2304;
/** What is decoded in two milliseconds or so: small enough for the event loop, when it has time left. */
const QUICK_PIXELS = 1280 * 720;
const QUICK_BYTES = 24 * 1024;
/** Of all decoders of this process. */
const budget = new EventLoopBudget();

/** H.264 or VP8 by FFmpeg's own decoders. Large pictures, and many, are decoded on threads of libuv's pool; a few small ones on the event loop. */
export class AvVideoDecoder implements VideoDecoder {
  #context: CodecContext;
  /** Nothing has been decoded with the context. */
  #fresh = true;
  readonly #packet: Packet = newPacket();
  readonly #frame = new Frame();
  readonly #queue = new CallQueue('the video decoder', QUEUE_LIMIT);
  readonly #pool = new PicturePool();
  readonly #h264 = new H264ContinuityCheck();
  /** True at first and after damage: a picture that refers to what is not there would be shown grey or smeared. */
  #needsKeyFrame = true;
  #freed = false;
  readonly #memory = new PictureMemory();
  /** The picture that may still lie there. */
  #last: DecodedPicture | undefined;
  #pixels = Infinity;

  constructor(readonly codec: VideoCodecName) {
    this.#context = openDecoder(codec);
    this.#frame.alloc();
  }

  decode(data: Buffer): Promise<I420Picture | undefined> {
    return this.#queue.run(() => this.#decode(data));
  }

  async #decode(data: Buffer): Promise<I420Picture | undefined> {
    if (data.length === 0) throw damaged(this.codec, 'an empty access unit');
    const continuity = this.#continuityOf(data);
    if (this.#needsKeyFrame && continuity !== 'key') return undefined;
    try {
      if (continuity === 'gap') throw damaged(this.codec, 'the picture that it refers to is missing');
      return await this.#decodeUnit(data, continuity);
    } catch (error) {
      const wasFresh = this.#fresh;
      this.#reopen();
      // Damaged parameter sets may have left the old context in a state that no key frame ends. A new one needs nothing but the key frame.
      if (continuity !== 'key' || wasFresh) throw error;
      return await this.#decodeAnew(data);
    }
  }

  async #decodeAnew(data: Buffer): Promise<I420Picture | undefined> {
    try {
      return await this.#decodeUnit(data, 'key');
    } catch (error) {
      this.#reopen();
      throw error;
    }
  }

  async #decodeUnit(data: Buffer, continuity: Continuity): Promise<I420Picture | undefined> {
    this.#fresh = false;
    this.#settleLast();
    try {
      // Copies the compressed bytes, with the padding behind them that FFmpeg's readers need.
      this.#packet.data = data;
      // FFmpeg decodes inside send; receive only hands over the picture, so it need not go to a thread.
      const sent = this.#isQuick(data)
        ? budget.run(() => this.#context.sendPacketSync(this.#packet))
        : await this.#context.sendPacket(this.#packet);
      if (sent < 0) throw damaged(this.codec, FFmpegError.strerror(sent));
      const picture = this.#takePicture();
      // VP8 has frames that are not shown; H.264 has none, so the decoder waits for an order of pictures that real-time streams do not have.
      if (picture === undefined && this.codec === 'h264' && continuity !== 'none')
        throw damaged(this.codec, 'the decoder holds the picture back');
      if (continuity === 'key') this.#needsKeyFrame = false;
      return picture;
    } finally {
      this.#packet.unref();
    }
  }

  #isQuick(data: Buffer): boolean {
    return this.#pixels <= QUICK_PIXELS && data.length <= QUICK_BYTES && budget.hasLeft();
  }

  #settleLast(): void {
    this.#last?.settle();
    this.#last = undefined;
    this.#frame.unref();
  }

  #reopen(): void {
    this.#needsKeyFrame = true;
    if (this.#fresh) return;
    this.#context.freeContext();
    this.#context = openDecoder(this.codec);
    this.#fresh = true;
  }

  #continuityOf(data: Buffer): Continuity {
    if (this.codec === 'h264') return this.#h264.check(data);
    // The lowest bit of the frame tag is 0 in a key frame (RFC 6386, 9.1). VP8 does not number its frames.
    return ((data[0] ?? 1) & 1) === 0 ? 'key' : 'next';
  }

  #takePicture(): DecodedPicture | undefined {
    const frame = this.#frame;
    const code = this.#context.receiveFrameSync(frame);
    if (code === AGAIN) return undefined;
    if (code < 0) throw damaged(this.codec, FFmpegError.strerror(code));
    if (frame.decodeErrorFlags !== 0 || (frame.flags & AV_FRAME_FLAG_CORRUPT) !== 0)
      throw damaged(this.codec, 'parts of the picture are missing');
    if (frame.format !== AV_PIX_FMT_YUV420P && frame.format !== AV_PIX_FMT_YUVJ420P)
      throw damaged(this.codec, `pixel format ${frame.format} is not 4:2:0 with 8 bits`);
    this.#pixels = frame.width * frame.height;
    const picture = this.#memory.copy(frame);
    // The decoder may use its memory again.
    frame.unref();
    return (this.#last = new DecodedPicture(picture, this.#pool));
  }

  async close(): Promise<void> {
    await this.#queue.close();
    if (this.#freed) return;
    this.#freed = true;
    this.#settleLast();
    this.#context.freeContext();
    this.#packet.free();
    this.#frame.free();
    this.#memory.free();
    this.#pool.close();
  }
}

function openDecoder(codecName: VideoCodecName): CodecContext {
  const codec = Codec.findDecoderByName(codecName === 'vp8' ? FF_DECODER_VP8 : FF_DECODER_H264);
  if (codec === null) throw internalError(`this FFmpeg has no ${codecName} decoder`);
  const context = new CodecContext();
  context.allocContext3(codec);
  try {
    // More threads would hold pictures back; many decoders run beside each other instead.
    context.threadCount = 1;
    context.setFlags(AV_CODEC_FLAG_LOW_DELAY);
    // Not err_detect=explode: it also rejects pictures for a malformed SEI, which is other people's data. Missing parts show in decodeErrorFlags.
    setOptions(context, { max_pixels: String(MOST_PIXELS) });
    checkAv(context.open2Sync(codec, null), `opening the ${codecName} decoder`);
    return context;
  } catch (error) {
    context.freeContext();
    throw error;
  }
}

function damaged(codec: VideoCodecName, why: string): AlirtcError {
  return new AlirtcError('aborted', `${codec}: ${why}`, {
    reason: 'ERR_VIDEO_DATA_ERROR',
    number: ERROR_NUMBERS.ERR_VIDEO_DATA_ERROR,
    remedy: 'ask the sender for a key frame and go on with it',
  });
}
