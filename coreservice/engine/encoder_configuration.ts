import { VideoEncoderOrientationMode } from '../ipc/enums.js';

/** What SetVideoEncoderConfiguration and SetScreenShareEncoderConfiguration say, made sensible. */
export interface EncoderConfiguration {
  /** 0 by 0: as pushed. */
  width: number;
  height: number;
  frameRate: number;
  bitrateKbps: number;
  /** 0: the encoder's choice. */
  keyFrameIntervalMs: number;
  orientation: number;
  mirror: boolean;
  /** Clockwise degrees: 0, 90, 180 or 270. */
  rotation: number;
}

export const DEFAULT_CAMERA: EncoderConfiguration = {
  width: 640,
  height: 480,
  frameRate: 15,
  bitrateKbps: 512,
  keyFrameIntervalMs: 0,
  orientation: VideoEncoderOrientationMode.Adaptive,
  mirror: false,
  rotation: 0,
};

export const DEFAULT_SCREEN: EncoderConfiguration = {
  ...DEFAULT_CAMERA,
  width: 0,
  height: 0,
  frameRate: 5,
};

export interface Limits {
  maxWidth: number;
  maxHeight: number;
  maxFrameRate: number;
  /** Whether 0 by 0 means "as pushed". */
  asPushed: boolean;
  byDefault: EncoderConfiguration;
}

export const CAMERA_LIMITS: Limits = {
  maxWidth: 1920,
  maxHeight: 1080,
  maxFrameRate: 30,
  asPushed: false,
  byDefault: DEFAULT_CAMERA,
};
export const SCREEN_LIMITS: Limits = {
  maxWidth: 3840,
  maxHeight: 2160,
  maxFrameRate: 30,
  asPushed: true,
  byDefault: DEFAULT_SCREEN,
};

const MIN_SIDE = 16;
/** Who joins waits for a key frame at the longest so long; the encoder makes one then in any case. */
const KEY_FRAME_INTERVAL_MS = { least: 100, most: 10_000 } as const;
const RATES = [5, 10, 15, 20, 30] as const;

type Triple = readonly [least: number, recommended: number, most: number];
/** types.md, "Bit rates by size and frame rate", kbit/s; one triple for each of RATES. */
const TABLE: readonly { pixels: number; rates: readonly Triple[] }[] = [
  row(320, 180, [15, 65, 195], [30, 110, 330], [45, 170, 510], [60, 220, 660], [90, 300, 900]),
  row(320, 240, [20, 100, 200], [40, 170, 340], [60, 256, 512], [80, 320, 640], [120, 400, 800]),
  row(480, 360, [40, 150, 300], [80, 240, 480], [120, 350, 700], [160, 430, 860], [240, 512, 1024]),
  row(640, 360, [83, 200, 400], [165, 340, 680], [248, 512, 1024], [330, 600, 1200], [495, 700, 1400]),
  row(640, 480, [110, 200, 400], [220, 350, 700], [330, 512, 1024], [440, 600, 1200], [660, 700, 1400]),
  row(960, 720, [250, 250, 600], [500, 500, 750], [750, 750, 1125], [1000, 1000, 1500], [1500, 1500, 2250]),
  row(1280, 720, [400, 400, 600], [800, 800, 1200], [1200, 1200, 1800], [1600, 1600, 2400], [2400, 2400, 3600]),
  row(1920, 1080, [500, 500, 750], [1000, 1000, 1500], [1500, 1500, 2250], [2000, 2000, 3000], [3000, 3000, 4500]),
];

function row(width: number, height: number, ...rates: Triple[]): { pixels: number; rates: readonly Triple[] } {
  return { pixels: width * height, rates };
}

/** Least, recommended and most kbit/s for a size and a frame rate, between the rows and columns of the table in proportion. */
export function bitrateRange(
  width: number,
  height: number,
  frameRate: number,
): { least: number; recommended: number; most: number } {
  const pixels = width * height;
  const [low, high, share] = bracket(
    TABLE.map((entry) => entry.pixels),
    pixels,
  );
  const at = (index: number): Triple => ratesAt(TABLE[index]?.rates ?? [], frameRate);
  const [a, b] = [at(low), at(high)];
  // Beyond the largest row (screens up to 3840x2160) the rates grow with the square root of the area.
  const largest = TABLE.at(-1)?.pixels ?? 1;
  const beyond = Math.max(1, Math.sqrt(pixels / largest));
  const mix = (one: 0 | 1 | 2): number => Math.round((a[one] + (b[one] - a[one]) * share) * beyond);
  return { least: mix(0), recommended: mix(1), most: mix(2) };
}

function ratesAt(rates: readonly Triple[], frameRate: number): Triple {
  const [low, high, share] = bracket(RATES, frameRate);
  const a = rates[low] ?? [0, 0, 0];
  const b = rates[high] ?? a;
  const mix = (one: 0 | 1 | 2): number => a[one] + (b[one] - a[one]) * share;
  return [mix(0), mix(1), mix(2)];
}

/** The indices around a value in a rising list, and how far it is between them. */
function bracket(list: readonly number[], value: number): [low: number, high: number, share: number] {
  const high = list.findIndex((entry) => entry >= value);
  if (high === 0) return [0, 0, 0];
  if (high === -1) return [list.length - 1, list.length - 1, 0];
  const [a, b] = [list[high - 1] ?? 0, list[high] ?? 1];
  return [high - 1, high, (value - a) / (b - a)];
}

export interface WantedConfiguration {
  width: number;
  height: number;
  frameRate: number;
  bitrateKbps: number;
  minBitrateKbps?: number;
  keyFrameIntervalMs?: number;
  orientation?: number;
  mirror?: boolean;
  rotation: number;
}

/** Corrects what is outside the sensible range to the nearest sensible value and says so, one text for each correction. */
export function sensibleConfiguration(
  wanted: WantedConfiguration,
  limits: Limits,
): { configuration: EncoderConfiguration; corrections: string[] } {
  const corrections: string[] = [];
  const correct = (name: string, value: number, sensible: number): number => {
    if (value !== sensible) corrections.push(`${name} ${value} corrected to ${sensible}`);
    return sensible;
  };
  const asPushed = limits.asPushed && wanted.width === 0 && wanted.height === 0;
  const size = asPushed ? { width: 0, height: 0 } : sensibleSize(wanted, limits);
  const width = correct('width', wanted.width, size.width);
  const height = correct('height', wanted.height, size.height);
  const frameRate = correct('frameRate', wanted.frameRate, clamp(Math.round(wanted.frameRate), 1, limits.maxFrameRate));
  // As pushed: the range is applied when the size is known.
  const range = asPushed ? { least: 15, recommended: 512, most: 12_000 } : bitrateRange(width, height, frameRate);
  const wantedLeast = wanted.minBitrateKbps ?? 0;
  const least = Math.max(range.least, correct('minBitrate', wantedLeast, clamp(wantedLeast, 0, range.most)));
  const bitrateKbps =
    wanted.bitrateKbps === 0
      ? Math.max(range.recommended, least)
      : correct('bitrate', wanted.bitrateKbps, clamp(wanted.bitrateKbps, least, range.most));
  const interval = wanted.keyFrameIntervalMs ?? 0;
  const sensibleInterval = clamp(interval, KEY_FRAME_INTERVAL_MS.least, KEY_FRAME_INTERVAL_MS.most);
  const keyFrameIntervalMs = interval === 0 ? 0 : correct('keyFrameInterval', interval, sensibleInterval);
  const rotation = wanted.rotation === -1 ? 0 : wanted.rotation;
  const configuration = {
    width,
    height,
    frameRate,
    bitrateKbps,
    keyFrameIntervalMs,
    orientation: wanted.orientation ?? VideoEncoderOrientationMode.Adaptive,
    mirror: wanted.mirror ?? false,
    rotation: correct('rotationMode', rotation, [0, 90, 180, 270].includes(rotation) ? rotation : 0),
  };
  return { configuration, corrections };
}

function sensibleSize(wanted: { width: number; height: number }, limits: Limits): { width: number; height: number } {
  if (wanted.width <= 0 || wanted.height <= 0) {
    const { width, height } = limits.byDefault;
    return width > 0 ? { width, height } : { width: limits.maxWidth, height: limits.maxHeight };
  }
  // The limit holds for either orientation; a larger picture keeps its aspect.
  const [maxWidth, maxHeight] =
    wanted.width >= wanted.height ? [limits.maxWidth, limits.maxHeight] : [limits.maxHeight, limits.maxWidth];
  const shrink = Math.min(1, maxWidth / wanted.width, maxHeight / wanted.height);
  return {
    width: clamp(even(wanted.width * shrink), MIN_SIDE, maxWidth),
    height: clamp(even(wanted.height * shrink), MIN_SIDE, maxHeight),
  };
}

function even(value: number): number {
  return Math.max(2, 2 * Math.round(value / 2));
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
