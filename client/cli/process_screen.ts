import type { Screen } from './io.js';

/** The terminal of this process; undefined: standard output is none. */
export function processScreen(): Screen | undefined {
  const { stdout, stdin } = process;
  if (!stdout.isTTY) return undefined;
  return {
    get columns() {
      return stdout.columns;
    },
    get rows() {
      return stdout.rows;
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
