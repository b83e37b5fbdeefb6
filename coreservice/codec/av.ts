/**
 * What all codec files need of node-av. Only 'node-av/lib' (the low-level binding) is imported: the package's main entry also loads its pipelines, its WebRTC
 * and its command line helpers, which the core's start would pay for.
 */
import { FFmpegError, Log, Packet } from 'node-av/lib';
import type { ChannelLayout, CodecContext } from 'node-av/lib';
import {
  AV_CHANNEL_LAYOUT_MONO,
  AV_CHANNEL_LAYOUT_STEREO,
  AV_LOG_FATAL,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
} from 'node-av/constants';
import { AlirtcError } from '../../common/errors.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';

// FFmpeg writes to stderr by itself; damaged input of a remote sender would flood it. Errors reach us as return codes.
Log.setLevel(AV_LOG_FATAL);

/** AVERROR(EAGAIN) on Linux: "needs more input" of a receive call. */
export const AGAIN = -11;

/** Throws an AlirtcError of class "internal" when an FFmpeg call returned a negative code; gives the code back otherwise. */
export function checkAv(code: number, doing: string): number {
  if (code >= 0) return code;
  throw internalError(`${doing}: ${FFmpegError.strerror(code)} (${code})`);
}

export function internalError(message: string): AlirtcError {
  return new AlirtcError('internal', message, { reason: 'ERR_INNER', number: ERROR_NUMBERS.ERR_INNER });
}

export function closedError(what: string): AlirtcError {
  return new AlirtcError('failed_precondition', `${what} is closed`, {
    reason: 'ERR_SDK_INVALID_STATE',
    number: ERROR_NUMBERS.ERR_SDK_INVALID_STATE,
  });
}

/** A wrong argument, by name. */
export function invalidArgument(field: string, value: unknown, remedy: string): AlirtcError {
  return new AlirtcError('invalid_argument', `${field} is ${String(value)}: ${remedy}`, {
    reason: 'ERR_INNER',
    number: ERROR_NUMBERS.ERR_INNER,
    field,
    value: String(value),
    remedy,
  });
}

/**
 * Sets options of a context and of its codec before it is opened. Not by a Dictionary in open2Sync(): FFmpeg frees and replaces what that wrapper points
 * to, so that its collection would free the same memory again.
 */
export function setOptions(context: CodecContext, options: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(options))
    checkAv(context.setOption(name, value, AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN), `option ${name}=${value}`);
}

export function newPacket(): Packet {
  const packet = new Packet();
  packet.alloc();
  return packet;
}

/** A view of the samples' bytes, not a copy. */
export function bytesOf(samples: Int16Array): Buffer {
  return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
}

/** The samples of little-endian bytes, copied, so that they outlive the bytes and are aligned. */
export function samplesOf(bytes: Buffer, count: number): Int16Array {
  const samples = new Int16Array(count);
  bytes.copy(bytesOf(samples), 0, 0, count * 2);
  return samples;
}

/** Mono or stereo in FFmpeg's native order. */
export function channelLayout(channels: number): ChannelLayout {
  return channels === 1 ? AV_CHANNEL_LAYOUT_MONO : AV_CHANNEL_LAYOUT_STEREO;
}
