/** Quantities for people. */
export function memoryText(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

export function loadText(msPerSecond: number): string {
  return `${msPerSecond} ms/s`;
}

/** "2 d 3 h", "5 min 20 s", "12 s": the two largest units that count. */
export function durationText(durationMs: number): string {
  let rest = Math.max(0, Math.round(durationMs / 1000));
  const parts: string[] = [];
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / seconds);
    rest -= count * seconds;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.length === 0 ? '0 s' : parts.slice(0, 2).join(' ');
}

/** Of a Unix time in microseconds. */
export function timeText(timeUs: number): string {
  return new Date(timeUs / 1000).toISOString();
}

export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
