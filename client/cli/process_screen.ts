import type { Screen } from './io.js';

/** Of a terminal that does not tell its size, and says 0. */
const UNKNOWN = { columns: 80, rows: 24 };

/** The terminal of this process; undefined: standard output is none. */
export function processScreen(): Screen | undefined {
  const { stdout, stdin } = process;
  if (!stdout.isTTY) return undefined;
  return {
    get columns() {
      return stdout.columns || UNKNOWN.columns;
    },
    get rows() {
      return stdout.rows || UNKNOWN.rows;
    },
    write: (text) => void stdout.write(text),
    onKey: (listener) => {
      if (!stdin.isTTY) return () => undefined;
      const onData = (bytes: Buffer): void => [...bytes.toString()].forEach(listener);
      stdin.setRawMode(true).on('data', onData).resume();
      return () => void stdin.setRawMode(false).off('data', onData).pause();
    },
  };
}
