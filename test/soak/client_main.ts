// A client process of the soak: `client_main.ts <parameters as JSON>`, then lines of JSON on standard input and output (protocol.ts). Ends with its standard input.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { AlirtcClient } from '../../client/index.js';
import { descriptorsOf } from '../integration/bad_input/footprint.js';
import { Excuses } from './excuses.js';
import { FlowWatch } from './flow_watch.js';
import {
  SILENCE_LIMIT_MS,
  type ClientFigures,
  type ClientParameters,
  type FromClient,
  type ToClient,
} from './protocol.js';
import { Slot } from './slot.js';

const parameters = JSON.parse(process.argv[2] ?? '{}') as ClientParameters;
const report = (message: FromClient): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
const figures: ClientFigures = {
  ...{
    lives: 0,
    joins: 0,
    calls: 0,
    pushed: 0,
    pictures: 0,
    numbers: 0,
    sound: 0,
    events: 0,
    excused: 0,
    reconnects: 0,
  },
  ...{ openFlows: 0, residentBytes: 0, heapBytes: 0, descriptors: 0, loopDelayMs: 0 },
};
const loopDelay = monitorEventLoopDelay();
loopDelay.enable();
const excuses = new Excuses();
const watch = new FlowWatch(excuses, ({ name, progress }) =>
  report({ violation: `${name}: nothing new for ${SILENCE_LIMIT_MS / 1000} s, ${progress} frames before` }),
);

function tellFigures(): void {
  const { rss, heapUsed } = process.memoryUsage();
  Object.assign(figures, {
    openFlows: watch.size,
    residentBytes: rss,
    heapBytes: heapUsed,
    descriptors: descriptorsOf(process.pid),
    loopDelayMs: Math.round(loopDelay.max / 1e6),
  });
  loopDelay.reset();
  report({ figures });
}

const client = await AlirtcClient.connect(parameters.address);
const slots = parameters.slots.map(
  (slot) => new Slot({ parameters: slot, pace: parameters.pace, client, watch, excuses, figures, report }),
);
const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
lines.on('line', (line) => {
  const message = JSON.parse(line) as ToClient;
  if ('excuse' in message) excuses.add(message.excuse);
  else if ('stop' in message) for (const slot of slots) slot.stop();
  else tellFigures();
});
report({ ready: true });
await Promise.all(slots.map((slot) => slot.run()));
watch.stop();
tellFigures();
report({ stopped: true });
