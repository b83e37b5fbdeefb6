import { plain } from '../table.js';

/** In every line, and of no use to people. */
const PASSED_OVER = new Set(['level', 'time', 'pid', 'name', 'msg', 'engineId']);

/** A line of the log for people: time, level, engine, text, and what else it says as key=value. */
export function logText(line: string): string {
  const record = recordOf(line);
  if (record === undefined) return plain(line);
  const { time, level, engineId, msg } = record;
  const more = Object.entries(record)
    .filter(([key]) => !PASSED_OVER.has(key))
    .map(([key, value]) => `${key}=${valueText(value)}`);
  const parts = [wordOf(time), wordOf(level).padEnd(5), wordOf(engineId), wordOf(msg), ...more];
  return plain(parts.filter((part) => part !== '').join('  '));
}

function recordOf(line: string): Record<string, unknown> | undefined {
  try {
    const record: unknown = JSON.parse(line);
    return typeof record === 'object' && record !== null ? (record as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function valueText(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
