import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SwsPictureConverter } from '../coreservice/codec/picture_converter.js';
import { X264Encoder } from '../coreservice/codec/video_encoder.js';
import { i420Size } from '../coreservice/codec/types.js';
import { movingPictures } from './support/moving_pictures.js';
import { round } from './support/statistics.js';

const FRAME_RATE = 30;
const SECONDS = 5;
const RUNS = 3;
const SIZES = [
  { name: '480p', width: 640, height: 480, kbps: 1000 },
  { name: '720p', width: 1280, height: 720, kbps: 2000 },
  { name: '1080p', width: 1920, height: 1080, kbps: 4000 },
];

/**
 * Frames per CPU second of the core's encoder, beside FFmpeg's command line (Debian's package ffmpeg) with the same settings; alone and with a half-size dual stream.
 * Both read each picture from the same file: a pushed picture has just come by a socket as well, and scaling one that the processor's cache does not hold takes twice
 * as long.
 */
export async function encode(): Promise<void> {
  const rows: Record<string, Record<string, number>> = {};
  const folder = mkdtempSync(path.join(tmpdir(), 'alirtcd-bench-'));
  try {
    for (const size of SIZES) {
      const pictures = movingPictures(size.width, size.height, FRAME_RATE);
      const file = path.join(folder, 'pictures.yuv');
      const all = Array.from({ length: SECONDS }, () => pictures.map((picture) => picture.data)).flat();
      writeFileSync(file, Buffer.concat(all));
      for (const dual of [false, true]) {
        const ours = await least(() => oursMs(file, size, dual));
        const theirs = await least(() => Promise.resolve(ffmpegMs(file, size, dual)));
        rows[`${size.name}${dual ? ' and dual stream' : ''}`] = {
          'ours, frames per CPU second': round((FRAME_RATE * SECONDS * 1000) / ours, 0),
          'ffmpeg, frames per CPU second': round((FRAME_RATE * SECONDS * 1000) / theirs, 0),
          'CPU, ours to ffmpeg': round(ours / theirs, 2),
        };
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`\n## encoding, x264 superfast, ${FRAME_RATE} fps, ${SECONDS} s, least CPU of ${RUNS} runs`);
  console.table(rows);
}

async function least(run: () => Promise<number>): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < RUNS; i++) best = Math.min(best, await run());
  return best;
}

async function oursMs(file: string, size: (typeof SIZES)[number], dual: boolean): Promise<number> {
  const { width, height, kbps } = size;
  const settings = { frameRate: FRAME_RATE, keyFrameIntervalMs: 0 };
  const large = new X264Encoder({ ...settings, width, height, bitrateKbps: kbps });
  const half = { width: width / 2, height: height / 2 };
  const small = new X264Encoder({ ...settings, ...half, bitrateKbps: kbps / 4 });
  const converter = new SwsPictureConverter();
  const input = openSync(file, 'r');
  const data = Buffer.alloc(i420Size(width, height));
  const before = process.cpuUsage();
  for (let i = 0; i < SECONDS * FRAME_RATE; i++) {
    readSync(input, data, 0, data.length, i * data.length);
    const options = { timeUs: Math.round((i * 1e6) / FRAME_RATE), forceKeyFrame: false };
    await large.encode({ width, height, data }, options);
    if (!dual) continue;
    const raw = { width, height, data, format: 'i420' as const, strideY: 0, strideU: 0, strideV: 0 };
    const scaled = converter.convert(raw, { ...half, fit: 'stretch', rotation: 0, mirror: false });
    await small.encode(scaled, options);
    scaled.release?.();
  }
  const used = process.cpuUsage(before);
  closeSync(input);
  converter.close();
  await Promise.all([large.close(), small.close()]);
  return (used.user + used.system) / 1000;
}

/** User and system time that ffmpeg itself reports. */
function ffmpegMs(file: string, size: (typeof SIZES)[number], dual: boolean): number {
  const codec = (kbps: number): string[] => [
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'superfast',
      '-tune',
      'zerolatency',
      '-profile:v',
      'baseline',
      '-threads',
      '1',
      '-bf',
      '0',
    ],
    ...['-g', String(1 << 20), '-b:v', `${kbps}k`, '-maxrate', `${kbps}k`, '-bufsize', `${kbps * 0.6}k`],
    ...['-x264-params', 'scenecut=0:repeat-headers=1:annexb=1:sliced-threads=0', '-f', 'null', '-'],
  ];
  const half = `${size.width / 2}x${size.height / 2}`;
  const args = [
    ...['-hide_banner', '-nostdin', '-benchmark', '-filter_threads', '1'],
    ...[
      '-f',
      'rawvideo',
      '-pix_fmt',
      'yuv420p',
      '-s',
      `${size.width}x${size.height}`,
      '-r',
      String(FRAME_RATE),
      '-i',
      file,
    ],
    ...codec(size.kbps),
    ...(dual ? ['-s', half, '-sws_flags', 'bilinear', ...codec(size.kbps / 4)] : []),
  ];
  const output = execFileSync('/bin/sh', ['-c', 'exec ffmpeg "$@" 2>&1', 'sh', ...args], { encoding: 'utf8' });
  const used = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(output);
  if (used === null) throw new Error(`ffmpeg did not say what it used: ${output.slice(-300)}`);
  return (Number(used[1]) + Number(used[2])) * 1000;
}
