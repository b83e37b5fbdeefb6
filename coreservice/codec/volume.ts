/**
 * Applies a linear gain of 0 to 100 percent. 100 gives the samples themselves, not a copy; anything else a new array. Rounds to the nearest sample value.
 */
export function applyVolume(samples: Int16Array, percent: number): Int16Array {
  if (!(percent >= 0 && percent <= 100)) throw new RangeError(`a volume of ${percent}; 0 to 100 is possible`);
  if (percent === 100) return samples;
  const result = new Int16Array(samples.length);
  if (percent === 0) return result;
  const gain = percent / 100;
  for (let i = 0; i < samples.length; i++) result[i] = Math.round((samples[i] ?? 0) * gain);
  return result;
}
