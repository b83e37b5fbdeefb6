import { text } from 'node:stream/consumers';
import { INTERRUPTED, runProgram } from './program.js';
import { processScreen } from './process_screen.js';

// Node's warnings for programmers are nothing for who runs this: one comes with every tls: address that is an IP.
process.noDeprecation = true;
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    // The first one asks to end in order, so that files are whole; the second one insists.
    if (stop.signal.aborted) process.exit(INTERRUPTED);
    stop.abort();
  });
// A reader of our output that went away (alirtc events | head) ends us quietly, but in order: an engine may have to be released.
let unread = false;
for (const output of [process.stdout, process.stderr])
  output.on('error', () => {
    unread = true;
    stop.abort();
  });

const screen = processScreen();
const code = await runProgram(process.argv.slice(2), {
  print: (line) => void process.stdout.write(`${line}\n`),
  note: (line) => void process.stderr.write(`${line}\n`),
  signal: stop.signal,
  env: process.env,
  readStdin: () => text(process.stdin),
  interactive: process.stderr.isTTY,
  ...(screen === undefined ? {} : { screen }),
});
process.exitCode = unread ? 0 : code;
