import { Codec, CodecContext, Frame, Packet, Rational } from 'node-av/lib';
import {
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AV_PIX_FMT_YUV420P,
  FF_ENCODER_LIBVPX_VP8,
} from 'node-av/constants';
import type { I420Picture } from '../../../coreservice/codec/types.js';

/** VP8 frames of pictures by libvpx, as a browser sends them. The sizes may change: each size is a new encoder and begins with a key frame. */
export function encodeVp8(pictures: readonly I420Picture[], kbps: number): Buffer[] {
  const codec = Codec.findEncoderByName(FF_ENCODER_LIBVPX_VP8);
  const first = pictures[0];
  if (codec === null || first === undefined) throw new Error('no VP8 encoder, or nothing to encode');
  const context = new CodecContext();
  context.allocContext3(codec);
  context.width = first.width;
  context.height = first.height;
  context.pixelFormat = AV_PIX_FMT_YUV420P;
  context.timeBase = new Rational(1, 30);
  context.bitRate = BigInt(kbps * 1000);
  context.gopSize = 300;
  for (const [name, value] of Object.entries({ deadline: 'realtime', 'cpu-used': '8', 'lag-in-frames': '0' }))
    context.setOption(name, value, AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN);
  if (context.open2Sync(codec, null) < 0) throw new Error('libvpx did not open');
  const packet = new Packet();
  packet.alloc();
  const frame = new Frame();
  frame.alloc();
  frame.format = AV_PIX_FMT_YUV420P;
  frame.width = first.width;
  frame.height = first.height;
  const frames = pictures.map(({ data }, i) => {
    frame.fromBuffer(data);
    frame.pts = BigInt(i);
    if (context.sendFrameSync(frame) < 0 || context.receivePacketSync(packet) < 0) throw new Error('libvpx failed');
    return packet.data ?? Buffer.alloc(0);
  });
  context.freeContext();
  packet.free();
  frame.free();
  return frames;
}
