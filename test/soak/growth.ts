export interface Point {
  minute: number;
  value: number;
}

export interface Trend {
  perMinute: number;
  /** Standard error of it; Infinity with fewer than three points. */
  error: number;
}

/** Least squares. */
export function trendOf(points: readonly Point[]): Trend {
  const count = points.length;
  if (count < 3) return { perMinute: 0, error: Infinity };
  const mean = (of: (point: Point) => number): number => points.reduce((sum, point) => sum + of(point), 0) / count;
  const [middle, level] = [mean(({ minute }) => minute), mean(({ value }) => value)];
  const spread = points.reduce((sum, { minute }) => sum + (minute - middle) ** 2, 0);
  if (spread === 0) return { perMinute: 0, error: Infinity };
  const perMinute = points.reduce((sum, { minute, value }) => sum + (minute - middle) * (value - level), 0) / spread;
  const rest = points.reduce((sum, { minute, value }) => sum + (value - level - perMinute * (minute - middle)) ** 2, 0);
  return { perMinute, error: Math.sqrt(rest / (count - 2) / spread) };
}

/** Whether it grows by more than so much, and not by chance (two standard errors). */
export function growsBy(trend: Trend, mostPerMinute: number): boolean {
  return trend.perMinute - 2 * trend.error > mostPerMinute;
}

/** What one list has more often than the other, e.g. "+ socket". */
export function differences(before: readonly string[], after: readonly string[]): string[] {
  const left = [...before];
  const added = after.filter((item) => {
    const at = left.indexOf(item);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return [...added.map((item) => `+ ${item}`), ...left.map((item) => `- ${item}`)];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}

export function round(value: number, digits = 1): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
