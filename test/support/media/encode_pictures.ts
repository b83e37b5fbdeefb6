import { Codec, CodecContext, FFmpegError, Frame, Packet, Rational } from 'node-av/lib';
import {
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AV_PIX_FMT_YUV420P,
  FF_ENCODER_LIBVPX_VP8,
  FF_ENCODER_LIBX264,
  FF_ENCODER_LIBX265,
} from 'node-av/constants';
import type { NumberedPictures } from './numbered_picture.js';

export interface EncodedUnit {
  data: Buffer;
  keyFrame: boolean;
}

const ENCODERS = { h264: FF_ENCODER_LIBX264, h265: FF_ENCODER_LIBX265, vp8: FF_ENCODER_LIBVPX_VP8 } as const;
const OPTIONS = {
  h264: { preset: 'ultrafast', tune: 'zerolatency', 'x264-params': 'repeat-headers=1:annexb=1' },
  // One thread: each picture is there when its encoder returns.
  h265: {
    preset: 'ultrafast',
    tune: 'zerolatency',
    'x265-params': 'repeat-headers=1:scenecut=0:pools=none:frame-threads=1:log-level=error',
  },
  vp8: { deadline: 'realtime', 'cpu-used': '8', 'lag-in-frames': '0' },
};

/** The first pictures of a sequence as access units, a key frame every `interval` pictures, no reordering. */
export function encodePictures(
  codecName: keyof typeof ENCODERS,
  pictures: NumberedPictures,
  count: number,
  interval: number,
): EncodedUnit[] {
  const codec = Codec.findEncoderByName(ENCODERS[codecName]);
  if (codec === null) throw new Error(`no encoder for ${codecName}`);
  using context = new CodecContext();
  context.allocContext3(codec);
  context.width = pictures.width;
  context.height = pictures.height;
  context.pixelFormat = AV_PIX_FMT_YUV420P;
  context.timeBase = new Rational(1, pictures.framesPerSecond);
  context.gopSize = interval;
  context.maxBFrames = 0;
  context.bitRate = 800_000n;
  context.threadCount = 1;
  for (const [name, value] of Object.entries(OPTIONS[codecName]))
    FFmpegError.throwIfError(context.setOption(name, value, AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN), name);
  FFmpegError.throwIfError(context.open2Sync(codec, null), 'open the encoder');
  using frame = new Frame();
  frame.alloc();
  frame.format = AV_PIX_FMT_YUV420P;
  frame.width = pictures.width;
  frame.height = pictures.height;
  using packet = new Packet();
  packet.alloc();
  return Array.from({ length: count }, (_, number) => {
    FFmpegError.throwIfError(frame.fromBuffer(pictures.draw(number)), 'picture');
    frame.pts = BigInt(number);
    FFmpegError.throwIfError(context.sendFrameSync(frame), 'encode');
    FFmpegError.throwIfError(context.receivePacketSync(packet), 'take');
    const unit = { data: packet.data ?? Buffer.alloc(0), keyFrame: packet.isKeyframe };
    packet.unref();
    return unit;
  });
}
