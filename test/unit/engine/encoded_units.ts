import type { EncodedUnit } from '../../../coreservice/rtc/types.js';

/** An access unit that a remote track gives: its number is its data and its time. */
export function unit(number: number, change: Partial<EncodedUnit> = {}): EncodedUnit {
  return {
    codec: 'h264',
    data: Buffer.from([number]),
    keyFrame: false,
    width: 640,
    height: 480,
    timestamp: number * 3000,
    captureTimeUs: number * 1000,
    afterLoss: false,
    ...change,
  };
}

export const key = (number: number, change: Partial<EncodedUnit> = {}): EncodedUnit =>
  unit(number, { keyFrame: true, ...change });
