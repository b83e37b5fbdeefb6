import { AVERROR_EAGAIN, AVERROR_EOF, AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import { Codec, CodecContext, FFmpegError, FormatContext, Frame, Packet, type Stream } from 'node-av/lib';

/**
 * Decodes one kind of stream of a file from beginning to end. The low-level API: node-av's Demuxer.packets() needs Promise.withResolvers, which Node 20 does
 * not have. Each frame is valid until the next one is asked for. Without such a stream: none.
 */
export async function* decodeFile(
  path: string,
  kind: 'video' | 'audio',
): AsyncGenerator<{ frame: Frame; stream: Stream; codec: string }> {
  await using input = new FormatContext();
  FFmpegError.throwIfError(await input.openInput(path), `cannot open ${path}`);
  FFmpegError.throwIfError(await input.findStreamInfo(), `cannot read ${path}`);
  const index = input.findBestStream(kind === 'video' ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO);
  const stream = input.streams?.[index];
  if (index < 0 || stream === undefined) return;
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  if (codec === null) throw new Error(`no decoder for a ${kind} stream of ${path}`);
  using context = new CodecContext();
  context.allocContext3(codec);
  FFmpegError.throwIfError(context.parametersToContext(stream.codecpar), 'codec parameters');
  FFmpegError.throwIfError(await context.open2(codec, null), 'open the decoder');
  using packet = new Packet();
  packet.alloc();
  using frame = new Frame();
  frame.alloc();
  for (let atEnd = false; !atEnd;) {
    atEnd = (await input.readFrame(packet)) < 0;
    if (!atEnd && packet.streamIndex !== index) {
      packet.unref();
      continue;
    }
    FFmpegError.throwIfError(await context.sendPacket(atEnd ? null : packet), `decode ${path}`);
    packet.unref();
    for (;;) {
      const result = await context.receiveFrame(frame);
      if (result === AVERROR_EAGAIN || result === AVERROR_EOF) break;
      FFmpegError.throwIfError(result, `decode ${path}`);
      yield { frame, stream, codec: codec.name ?? '' };
      frame.unref();
    }
  }
}
