/**
 * What the codecs cost: CPU milliseconds per second of media, user and system time of the whole process, least of three runs. `tsx bench/codec_media.ts [part of a row's name]`.
 */
import { AvAacEncoder } from '../coreservice/codec/aac_encoder.js';
import { LibopusDecoder } from '../coreservice/codec/opus_decoder.js';
import { LibopusEncoder } from '../coreservice/codec/opus_encoder.js';
import { Mixer } from '../coreservice/codec/mixer.js';
import { SwsPictureConverter } from '../coreservice/codec/picture_converter.js';
import { SwResampler } from '../coreservice/codec/resampler.js';
import { AvVideoDecoder } from '../coreservice/codec/video_decoder.js';
import { X264Encoder } from '../coreservice/codec/video_encoder.js';
import type { I420Picture, PictureTarget, PixelFormat } from '../coreservice/codec/types.js';
import { movingPictures } from './support/moving_pictures.js';

const RUNS = 3;
const FRAME_RATE = 30;

interface Row {
  name: string;
  /** Does so many seconds of media; gives what else is to be said. */
  run: () => Promise<{ seconds: number; remark: string }>;
}

const pictures720 = movingPictures(1280, 720, FRAME_RATE);
const pictures480 = movingPictures(640, 480, FRAME_RATE);

async function encode(
  pictures: I420Picture[],
  bitrateKbps: number,
  seconds: number,
  preset?: string,
): Promise<{ units: Buffer[]; qp: number }> {
  const [first] = pictures;
  if (first === undefined) throw new Error('no pictures');
  const { width, height } = first;
  const encoder = new X264Encoder({
    width,
    height,
    frameRate: FRAME_RATE,
    bitrateKbps,
    keyFrameIntervalMs: 0,
    ...(preset === undefined ? {} : { preset }),
  });
  const units: Buffer[] = [];
  let qp = 0;
  for (let i = 0; i < seconds * FRAME_RATE; i++) {
    const picture = pictures[i % pictures.length] ?? first;
    const encoded = await encoder.encode(picture, { timeUs: Math.round((i * 1e6) / FRAME_RATE), forceKeyFrame: false });
    units.push(encoded.data);
    qp += encoded.qp;
  }
  await encoder.close();
  return { units, qp: qp / units.length };
}

function encodeRow(what: string, pictures: I420Picture[], kbps: number, preset: string): Row {
  return {
    name: `encode ${what} ${kbps} kbit/s, ${preset}`,
    run: async () => {
      const seconds = 5;
      const { units, qp } = await encode(pictures, kbps, seconds, preset);
      const rate = units.reduce((sum, { length }) => sum + length, 0) / 125 / seconds;
      return { seconds, remark: `${rate.toFixed(0)} kbit/s, mean quantiser ${qp.toFixed(1)}` };
    },
  };
}

function decodeRow(what: string, pictures: I420Picture[], kbps: number, giveBack: boolean): Row {
  let units: Buffer[] | undefined;
  return {
    name: `decode ${what} ${kbps} kbit/s, with the copy${giveBack ? ', memory given back' : ''}`,
    run: async () => {
      units ??= (await encode(pictures, kbps, 5)).units;
      const decoder = new AvVideoDecoder('h264');
      let shown = 0;
      for (const unit of units) {
        const picture = await decoder.decode(unit);
        if (picture !== undefined) shown++;
        if (giveBack) picture?.release?.();
      }
      await decoder.close();
      return { seconds: shown / FRAME_RATE, remark: `${shown} pictures` };
    },
  };
}

function convertRow(what: string, format: PixelFormat, target: Partial<PictureTarget>): Row {
  const bytes = { i420: 1.5, nv12: 1.5, nv21: 1.5, bgra: 4, rgb24: 3, bgr24: 3 }[format];
  const data = Buffer.alloc(1280 * 720 * bytes);
  for (let i = 0; i < data.length; i++) data[i] = (i * 7) & 0xff;
  return {
    name: `convert 720p30 ${what}`,
    run: () => {
      const converter = new SwsPictureConverter();
      const picture = { format, width: 1280, height: 720, strideY: 0, strideU: 0, strideV: 0, data };
      for (let i = 0; i < 3 * FRAME_RATE; i++)
        converter
          .convert(picture, { width: 1280, height: 720, fit: 'stretch', rotation: 0, mirror: false, ...target })
          .release?.();
      converter.close();
      return Promise.resolve({ seconds: 3, remark: '' });
    },
  };
}

/** Speech-like: a tone that comes and goes, with noise. */
function sound(samples: number, channels: number): Int16Array {
  return Int16Array.from({ length: samples * channels }, (_, i) => {
    const t = Math.floor(i / channels) / 48_000;
    return 9000 * Math.sin(2 * Math.PI * 220 * t) * (0.5 + 0.5 * Math.sin(9 * t)) + 2000 * (Math.random() - 0.5);
  });
}

function opusRows(channels: 1 | 2, bitrateKbps: number): Row[] {
  const input = sound(48_000, channels);
  const seconds = 10;
  const encodeAll = (): Buffer[] => {
    const encoder = new LibopusEncoder({ channels, bitrateKbps });
    const packets: Buffer[] = [];
    for (let i = 0; i < seconds * 50; i++) {
      const at = (i % 50) * 960 * channels;
      packets.push(encoder.encode(input.subarray(at, at + 960 * channels)));
    }
    encoder.close();
    return packets;
  };
  const packets = encodeAll();
  const decodeAll = (): number => {
    const decoder = new LibopusDecoder(channels);
    const samples = packets.reduce((sum, packet) => sum + decoder.decode(packet).length, 0);
    decoder.close();
    return samples;
  };
  const what = `${channels === 1 ? 'mono' : 'stereo'} ${bitrateKbps} kbit/s`;
  return [
    { name: `Opus encode ${what}`, run: () => Promise.resolve({ seconds, remark: `${encodeAll().length} packets` }) },
    { name: `Opus decode ${what}`, run: () => Promise.resolve({ seconds, remark: `${decodeAll()} samples` }) },
  ];
}

/** Twenty seconds in blocks of 10 ms. */
function blocksRow(name: string, block: (input: Int16Array) => unknown): Row {
  const input = sound(480, 2);
  return {
    name,
    run: () => {
      for (let i = 0; i < 2000; i++) block(input);
      return Promise.resolve({ seconds: 20, remark: '' });
    },
  };
}

function mixRow(count: number, channels: 1 | 2): Row {
  const mixer = new Mixer(channels);
  const sources = Array.from({ length: count }, () => sound(480, channels));
  return blocksRow(`mix ${count} sources, 48 kHz ${channels === 1 ? 'mono' : 'stereo'}`, () =>
    mixer.mix(sources, 480 * channels),
  );
}

const resampler = new SwResampler({ fromRate: 48_000, fromChannels: 2, toRate: 16_000, toChannels: 1 });
const aac = new AvAacEncoder({ sampleRate: 48_000, channels: 2, bitrateKbps: 96 });

const rows: Row[] = [
  decodeRow('720p30', pictures720, 2000, false),
  decodeRow('720p30', pictures720, 2000, true),
  decodeRow('480p30', pictures480, 700, true),
  ...['ultrafast', 'superfast', 'veryfast'].flatMap((preset) => [
    encodeRow('480p30', pictures480, 700, preset),
    encodeRow('720p30', pictures720, 2000, preset),
  ]),
  convertRow('I420 as it is', 'i420', {}),
  convertRow('NV12', 'nv12', {}),
  convertRow('BGRA', 'bgra', {}),
  convertRow('RGB24', 'rgb24', {}),
  convertRow('I420 to 640x360', 'i420', { width: 640, height: 360 }),
  convertRow('I420 turned by 90', 'i420', { width: 720, height: 1280, rotation: 90 }),
  convertRow('I420 mirrored', 'i420', { mirror: true }),
  ...opusRows(1, 32),
  ...opusRows(2, 96),
  mixRow(2, 2),
  mixRow(8, 2),
  mixRow(32, 2),
  mixRow(8, 1),
  blocksRow('resample 48 kHz stereo to 16 kHz mono', (input) => resampler.convert(input)),
  blocksRow('AAC encode 48 kHz stereo', (input) => aac.encode(input)),
];

const wanted = process.argv[2] ?? '';
for (const { name, run } of rows.filter((row) => row.name.includes(wanted))) {
  await run();
  let least = Infinity;
  let said = '';
  for (let i = 0; i < RUNS; i++) {
    const before = process.cpuUsage();
    const { seconds, remark } = await run();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000 / seconds);
    said = remark;
  }
  console.log(`| ${name} | ${least.toFixed(1)} | ${said} |`);
}
resampler.close();
aac.close();
