/** What the media files need of node-av. Only its low-level binding is loaded. */
import { CodecContext, FFmpegError, Frame, Log, Packet } from 'node-av/lib';
import type { ChannelLayout, Codec } from 'node-av/lib';
import {
  AV_CHANNEL_LAYOUT_MONO,
  AV_CHANNEL_LAYOUT_STEREO,
  AV_LOG_FATAL,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
} from 'node-av/constants';

// FFmpeg writes to stderr by itself; errors reach us as return codes.
Log.setLevel(AV_LOG_FATAL);

/** AVERROR(EAGAIN) on Linux: a receive call needs more input. */
export const AGAIN = -11;
/** AVERROR_EOF. */
export const END_OF_FILE = -541478725;

/** Throws when an FFmpeg call returned a negative code; gives the code back otherwise. */
export function checkAv(code: number, doing: string): number {
  if (code >= 0) return code;
  throw new Error(`${doing}: ${FFmpegError.strerror(code)} (${code})`);
}

/**
 * Opens a codec. Options are set on the context before: a Dictionary given to open2Sync is freed and replaced by FFmpeg behind its wrapper's back.
 */
export function openCodec(
  codec: Codec | null,
  name: string,
  configure: (context: CodecContext) => void,
  options: Readonly<Record<string, string>> = {},
): CodecContext {
  if (codec === null) throw new Error(`this FFmpeg has no ${name}`);
  const context = new CodecContext();
  context.allocContext3(codec);
  try {
    configure(context);
    for (const [key, value] of Object.entries(options))
      checkAv(context.setOption(key, value, AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN), `option ${key}=${value}`);
    checkAv(context.open2Sync(codec, null), `opening ${name}`);
    return context;
  } catch (error) {
    context.freeContext();
    throw error;
  }
}

export function newPacket(): Packet {
  const packet = new Packet();
  packet.alloc();
  return packet;
}

export function newFrame(): Frame {
  const frame = new Frame();
  frame.alloc();
  return frame;
}

export function channelLayout(channels: number): ChannelLayout {
  return channels === 1 ? AV_CHANNEL_LAYOUT_MONO : AV_CHANNEL_LAYOUT_STEREO;
}
