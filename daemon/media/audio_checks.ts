import { invalidField } from '../refusals.js';

export interface AudioSource {
  sampleRateHz: number;
  channels: number;
}

export const PUSH_SAMPLE_RATES_HZ = [8000, 12000, 16000, 24000, 32000, 44100, 48000, 96000] as const;

const BYTES_PER_SAMPLE = 2;
/** Half a minute of the largest shape: more than any queue holds. */
const MAX_CHUNK_BYTES = 30 * 96000 * 2 * BYTES_PER_SAMPLE;

/** Length of a pushed chunk in milliseconds, with a fraction. Throws ERR_AUDIO_DATA_ERROR. */
export function checkAudioChunk(field: string, data: Uint8Array, source: AudioSource): number {
  const frameBytes = BYTES_PER_SAMPLE * source.channels;
  const bytes = data.byteLength;
  if (bytes === 0) throw wrong(field, bytes, 'is empty', 'push at least one sample');
  if (bytes % frameBytes !== 0)
    throw wrong(
      field,
      bytes,
      `${bytes} bytes are no whole number of samples of ${source.channels} channel(s)`,
      `push a multiple of ${frameBytes} bytes`,
    );
  if (bytes > MAX_CHUNK_BYTES)
    throw wrong(field, bytes, `${bytes} bytes, at most ${MAX_CHUNK_BYTES}`, 'push smaller chunks');
  return (bytes / frameBytes / source.sampleRateHz) * 1000;
}

export interface AudioPiece {
  data: Uint8Array;
  /** From the beginning of the chunk. */
  offsetMs: number;
  durationMs: number;
  isLast: boolean;
}

/** Cuts a chunk into pieces of at most that length, on whole samples. */
export function* splitAudio(data: Uint8Array, source: AudioSource, maxPieceMs: number): Generator<AudioPiece> {
  const frameBytes = BYTES_PER_SAMPLE * source.channels;
  const pieceBytes = Math.max(1, Math.floor((maxPieceMs * source.sampleRateHz) / 1000)) * frameBytes;
  const toMs = (bytes: number): number => (bytes / frameBytes / source.sampleRateHz) * 1000;
  for (let at = 0; at < data.byteLength; at += pieceBytes) {
    const piece = data.subarray(at, at + pieceBytes);
    const isLast = at + pieceBytes >= data.byteLength;
    yield { data: piece, offsetMs: toMs(at), durationMs: toMs(piece.byteLength), isLast };
  }
}

function wrong(field: string, value: unknown, message: string, remedy: string): Error {
  return invalidField(field, value, message, { reason: 'ERR_AUDIO_DATA_ERROR', remedy });
}
