import { Codec, CodecContext, Frame, Packet } from 'node-av/lib';
import { FF_DECODER_AAC } from 'node-av/constants';

/** Fields of an ADTS header (ISO/IEC 14496-3, 1.A.2.2). */
export interface AdtsHeader {
  sampleRateIndex: number;
  channels: number;
  frameBytes: number;
}

export function parseAdts(frame: Buffer): AdtsHeader {
  if (frame.readUInt16BE(0) !== 0xfff1) throw new Error('no ADTS sync word');
  return {
    sampleRateIndex: (frame.readUInt8(2) >> 2) & 15,
    channels: ((frame.readUInt8(2) & 1) << 2) | (frame.readUInt8(3) >> 6),
    frameBytes: ((frame.readUInt8(3) & 3) << 11) | (frame.readUInt8(4) << 3) | (frame.readUInt8(5) >> 5),
  };
}

/** FFmpeg's AAC decoder fed with ADTS frames; each channel's samples as 16 bits. */
export function decodeAdts(frames: readonly Buffer[]): Int16Array[] {
  const codec = Codec.findDecoderByName(FF_DECODER_AAC);
  if (codec === null) throw new Error('no AAC decoder');
  const context = new CodecContext();
  context.allocContext3(codec);
  if (context.open2Sync(codec, null) < 0) throw new Error('the AAC decoder did not open');
  const packet = new Packet();
  packet.alloc();
  const frame = new Frame();
  frame.alloc();
  const channels: number[][] = [];
  for (const data of frames) {
    packet.data = data;
    if (context.sendPacketSync(packet) < 0) throw new Error('FFmpeg rejects an ADTS frame');
    while (context.receiveFrameSync(frame) >= 0)
      for (const [channel, plane] of (frame.data ?? []).entries())
        (channels[channel] ??= []).push(...new Float32Array(plane.buffer, plane.byteOffset, frame.nbSamples));
  }
  context.freeContext();
  packet.free();
  frame.free();
  return channels.map((samples) => Int16Array.from(samples, (x) => Math.max(-32768, Math.min(32767, x * 32768))));
}
