// Does what a core service has to, until a signal makes it misbehave: SIGUSR2 has it take memory without end, SIGHUP a whole processor, SIGWINCH leave a process behind that is deaf to everything.
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { setImmediate, setInterval } from 'node:timers';
import { onCommands, serve, unit } from '../../support/misbehaving_core/common.mjs';

const BITE_BYTES = 2 * 1024 * 1024;
const BITE_MS = 10;
const SLICE_MS = 20;

serve((socket) => {
  socket.on('close', () => process.exit(0));
  onCommands(socket, ({ Command }) => {
    if (Command === 40) socket.write(unit({ Request: 1040, sdkVersion: 'hungry' }));
    if (Command === 23) process.exit(0);
  });
});

const eaten = [];
process.on('SIGUSR2', () => setInterval(() => eaten.push(Buffer.alloc(BITE_BYTES, 1)), BITE_MS));

process.on('SIGHUP', function burn() {
  const end = performance.now() + SLICE_MS;
  while (performance.now() < end);
  setImmediate(burn);
});

process.on('SIGWINCH', () => {
  spawn('sh', ['-c', 'trap "" TERM HUP; while true; do sleep 1; done'], { stdio: 'ignore', detached: true }).unref();
});
