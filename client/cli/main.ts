import { text } from 'node:stream/consumers';
import { runProgram } from './program.js';

/** 128 + SIGINT, as shells expect it. */
const INTERRUPTED = 130;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    // The first one asks to end in order, so that files are whole; the second one insists.
    if (stop.signal.aborted) process.exit(INTERRUPTED);
    stop.abort();
  });
// A reader of our output that went away (alirtc events | head) ends us quietly.
process.stdout.on('error', () => process.exit(0));

process.exitCode = await runProgram(process.argv.slice(2), {
  print: (line) => void process.stdout.write(`${line}\n`),
  note: (line) => void process.stderr.write(`${line}\n`),
  signal: stop.signal,
  env: process.env,
  readStdin: () => text(process.stdin),
  interactive: process.stderr.isTTY,
});
