import type { Frame, Stream } from 'node-av';
import { decodeFile } from './decode_file.js';
import { bodyLevel, readPictureNumber } from './numbered_picture.js';
import { level, steadyToneShare, toneShare } from './tones.js';

export interface VideoAnalysis {
  codec: string;
  width: number;
  height: number;
  frames: number;
  seconds: number;
  /** Numbers that could be read, in the order of showing. */
  numbers: number[];
  /** Seconds at which a flash began. */
  flashes: number[];
}

export interface AudioAnalysis {
  codec: string;
  sampleRate: number;
  seconds: number;
  level: number;
  /** Median share of the expected tone in the power of 50 ms. */
  toneShare: number;
  /** Seconds at which a beep began. */
  beeps: number[];
}

export interface RecordingAnalysis {
  video: VideoAnalysis | undefined;
  audio: AudioAnalysis | undefined;
  /** Median of sound minus picture, ms; positive: the sound is late. Undefined without pairs. */
  avOffsetMs: number | undefined;
}

export interface ToneExpectation {
  frequency: number;
  beepFrequency: number;
}

/** Demuxes and decodes the whole file, and reads what its pictures and its sound say. */
export async function analyseRecording(path: string, expected: ToneExpectation): Promise<RecordingAnalysis> {
  const video = await analyseVideo(path);
  const audio = await analyseAudio(path, expected);
  return { video, audio, avOffsetMs: offsetMs(video?.flashes ?? [], audio?.beeps ?? []) };
}

function secondsOf(frame: Frame, stream: Stream): number {
  return (Number(frame.pts) * stream.timeBase.num) / stream.timeBase.den;
}

async function analyseVideo(path: string): Promise<VideoAnalysis | undefined> {
  let result: VideoAnalysis | undefined;
  let white = true;
  let first = 0;
  for await (const { frame, stream, codec } of decodeFile(path, 'video')) {
    const luma = frame.data?.[0];
    const stride = frame.linesize[0];
    if (luma === undefined || stride === undefined) throw new Error('a picture without a luma plane');
    const at = secondsOf(frame, stream);
    if (result === undefined) first = at;
    result ??= { codec, width: 0, height: 0, frames: 0, seconds: 0, numbers: [], flashes: [] };
    result.frames++;
    result.width = frame.width;
    result.height = frame.height;
    result.seconds = at - first;
    const number = readPictureNumber(luma, frame.width, frame.height, stride);
    if (number !== undefined) result.numbers.push(number);
    const isWhite = bodyLevel(luma, frame.width, frame.height, stride) > 210;
    if (isWhite && !white) result.flashes.push(at);
    white = isWhite;
  }
  return result;
}

async function analyseAudio(path: string, expected: ToneExpectation): Promise<AudioAnalysis | undefined> {
  const chunks: Int16Array[] = [];
  let start: number | undefined;
  let sampleRate = 0;
  let name = '';
  for await (const { frame, stream, codec } of decodeFile(path, 'audio')) {
    start ??= secondsOf(frame, stream);
    sampleRate = frame.sampleRate;
    name = codec;
    chunks.push(firstChannel(frame));
  }
  if (start === undefined) return undefined;
  const samples = new Int16Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    samples.set(chunk, at);
    at += chunk.length;
  }
  const origin = start;
  return {
    codec: name,
    sampleRate,
    seconds: samples.length / sampleRate,
    level: level(samples),
    toneShare: steadyToneShare(samples, sampleRate, expected.frequency),
    beeps: beepStarts(samples, sampleRate, expected.beepFrequency).map((t) => t + origin),
  };
}

/** FFmpeg's AAC decoder gives planes of 32-bit floats. */
function firstChannel(frame: Frame): Int16Array {
  const bytes = frame.data?.[0];
  if (bytes === undefined) throw new Error('a sound frame without data');
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + frame.nbSamples * 4) as ArrayBuffer;
  return Int16Array.from(new Float32Array(copy), (x) => Math.max(-32768, Math.min(32767, Math.round(x * 32767))));
}

/** Times at which the beep's frequency takes over, to a millisecond or two. */
function beepStarts(samples: Int16Array, sampleRate: number, frequency: number): number[] {
  const window = Math.round(sampleRate / 200);
  const step = Math.round(sampleRate / 1000);
  const starts: number[] = [];
  let lastBeep = -1;
  for (let i = 0; i + window <= samples.length; i += step) {
    const block = samples.subarray(i, i + window);
    const beeping = level(block) > 0.02 && toneShare(block, sampleRate, frequency) > 0.5;
    if (!beeping) continue;
    // Half of the window is the beep when its share passes one half.
    const t = (i + window / 2) / sampleRate;
    if (lastBeep < 0 || t - lastBeep > 0.3) starts.push(t);
    lastBeep = t;
  }
  return starts.filter((t) => t > 0.05);
}

function offsetMs(flashes: number[], beeps: number[]): number | undefined {
  const offsets = flashes.flatMap((flash) => {
    const nearest = beeps.reduce(
      (best, beep) => (Math.abs(beep - flash) < Math.abs(best - flash) ? beep : best),
      Infinity,
    );
    return Math.abs(nearest - flash) < 0.45 ? [(nearest - flash) * 1000] : [];
  });
  return median(offsets);
}

function median(values: number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
