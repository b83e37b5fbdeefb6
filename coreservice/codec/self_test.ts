import { Codec, CodecContext, Frame, Rational } from 'node-av/lib';
import { AV_PIX_FMT_YUV420P, FF_ENCODER_LIBVPX_VP8 } from 'node-av/constants';
import { messageOf } from '../../common/errors.js';
import { checkAv, internalError, newPacket, setOptions } from './av.js';
import { LibopusDecoder } from './opus_decoder.js';
import { LibopusEncoder } from './opus_encoder.js';
import { i420Size } from './types.js';
import type { I420Picture, VideoCodecName } from './types.js';
import { AvVideoDecoder } from './video_decoder.js';
import { X264Encoder } from './video_encoder.js';

export interface CodecResult {
  ok: boolean;
  /** What was seen, or what went wrong. */
  text: string;
  ms: number;
}

const WIDTH = 320;
const HEIGHT = 180;
/** Of a picture of ramps: less than that is another picture. */
const LEAST_PSNR = 30;
const TONE_HZ = 1000;
const RATE = 48_000;
const FRAMES = 25;

/** Encodes and decodes a small picture and a tone with the codecs that this core uses, and compares what comes out by content. Never rejects. */
export async function testCodecs(): Promise<Record<string, CodecResult>> {
  return {
    h264: await tried(() => testVideo('h264', encodeH264)),
    vp8: await tried(() => testVideo('vp8', encodeVp8)),
    opus: await tried(() => Promise.resolve(testOpus())),
  };
}

async function tried(test: () => Promise<{ ok: boolean; text: string }>): Promise<CodecResult> {
  const beginMs = performance.now();
  try {
    return { ...(await test()), ms: performance.now() - beginMs };
  } catch (error) {
    return { ok: false, text: messageOf(error), ms: performance.now() - beginMs };
  }
}

async function testVideo(
  codec: VideoCodecName,
  encode: (picture: I420Picture) => Promise<Buffer>,
): Promise<{ ok: boolean; text: string }> {
  const picture = testPicture();
  const data = await encode(picture);
  const decoder = new AvVideoDecoder(codec);
  try {
    const decoded = await decoder.decode(data);
    if (decoded === undefined) return { ok: false, text: 'the decoder gave no picture' };
    if (decoded.width !== WIDTH || decoded.height !== HEIGHT)
      return { ok: false, text: `${WIDTH}x${HEIGHT} came back as ${decoded.width}x${decoded.height}` };
    const psnr = psnrOf(picture.data, decoded.data);
    const text = `a picture of ${WIDTH}x${HEIGHT} encoded (${data.length} bytes) and decoded, ${psnr.toFixed(0)} dB`;
    return { ok: psnr >= LEAST_PSNR, text };
  } finally {
    await decoder.close();
  }
}

/** Ramps and edges, so that a picture that was turned or cut is another one. */
function testPicture(): I420Picture {
  const data = Buffer.alloc(i420Size(WIDTH, HEIGHT), 128);
  for (let y = 0; y < HEIGHT; y += 1)
    for (let x = 0; x < WIDTH; x += 1) data[y * WIDTH + x] = 40 + ((x >> 1) % 120) + (y > HEIGHT / 2 ? 60 : 0);
  return { width: WIDTH, height: HEIGHT, data };
}

function psnrOf(one: Buffer, other: Buffer): number {
  let sum = 0;
  for (const [index, value] of one.entries()) sum += (value - (other[index] ?? 0)) ** 2;
  return sum === 0 ? 99 : 10 * Math.log10((255 * 255 * one.length) / sum);
}

async function encodeH264(picture: I420Picture): Promise<Buffer> {
  const { width, height } = picture;
  const encoder = new X264Encoder({ width, height, frameRate: 15, bitrateKbps: 2000, keyFrameIntervalMs: 0 });
  try {
    return (await encoder.encode(picture, { timeUs: 0, forceKeyFrame: true })).data;
  } finally {
    await encoder.close();
  }
}

/** Cores only decode VP8; libvpx is in the same library. */
async function encodeVp8({ width, height, data }: I420Picture): Promise<Buffer> {
  const codec = Codec.findEncoderByName(FF_ENCODER_LIBVPX_VP8);
  if (codec === null) throw internalError('this FFmpeg has no libvpx');
  const context = new CodecContext();
  context.allocContext3(codec);
  const frame = new Frame();
  frame.alloc();
  const packet = newPacket();
  try {
    Object.assign(context, { width, height, pixelFormat: AV_PIX_FMT_YUV420P, bitRate: 2_000_000n });
    context.timeBase = new Rational(1, 15);
    context.threadCount = 1;
    setOptions(context, { deadline: 'realtime', 'lag-in-frames': '0' });
    checkAv(context.open2Sync(codec, null), 'opening libvpx');
    Object.assign(frame, { format: AV_PIX_FMT_YUV420P, width, height, pts: 0n });
    checkAv(frame.getBuffer(), 'memory for a picture');
    checkAv(frame.fromBuffer(data), 'filling a picture');
    checkAv(await context.sendFrame(frame), 'encoding VP8');
    checkAv(context.receivePacketSync(packet), 'taking the VP8 frame');
    const encoded = packet.data;
    if (encoded === null) throw internalError('libvpx gave an empty frame');
    return Buffer.from(encoded);
  } finally {
    context.freeContext();
    frame.free();
    packet.free();
  }
}

function testOpus(): { ok: boolean; text: string } {
  const encoder = new LibopusEncoder({ channels: 1, bitrateKbps: 64 });
  const decoder = new LibopusDecoder(1);
  try {
    let phase = 0;
    let [inTone, all] = [0, 0];
    for (let frame = 0; frame < FRAMES; frame += 1) {
      const samples = Int16Array.from(
        { length: 960 },
        () => 10_000 * Math.sin((2 * Math.PI * TONE_HZ * phase++) / RATE),
      );
      const heard = decoder.decode(encoder.encode(samples));
      // The codec looks ahead: what it says first is silence.
      if (frame >= FRAMES / 2) [inTone, all] = [inTone + toneEnergy(heard), all + energy(heard)];
    }
    const share = all === 0 ? 0 : inTone / all;
    return {
      ok: share > 0.9,
      text: `a tone of ${TONE_HZ} Hz encoded and decoded, ${(share * 100).toFixed(0)} % of it heard`,
    };
  } finally {
    encoder.close();
    decoder.close();
  }
}

function energy(samples: Int16Array): number {
  return samples.reduce((sum, sample) => sum + sample * sample, 0);
}

/** Of the part at TONE_HZ: the length of its Fourier coefficient. */
function toneEnergy(samples: Int16Array): number {
  let [re, im] = [0, 0];
  for (const [index, sample] of samples.entries()) {
    const angle = (2 * Math.PI * TONE_HZ * index) / RATE;
    re += sample * Math.cos(angle);
    im += sample * Math.sin(angle);
  }
  return (2 * (re * re + im * im)) / samples.length;
}
