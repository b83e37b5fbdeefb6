import { createServer } from 'node:net';
import { failure, ok, warning } from './check.js';
import type { Check, DoctorContext, Finding } from './check.js';
import { holdersOf, processText } from './processes.js';
import type { ProcessFacts } from './processes.js';

export interface PortFacts {
  low: number;
  high: number;
  taken: readonly { port: number; holder?: ProcessFacts | undefined }[];
  /** Engines and warm cores that the settings allow. */
  wanted: number;
}

const AT_ONCE = 64;
const SHOWN = 3;

export const ipcPorts: Check = { name: 'ipc ports', run: look };

async function look({ config, signal }: DoctorContext): Promise<Finding[]> {
  const [low, high] = [config['core-port-low'], config['core-port-high']];
  const taken = await takenPorts(low, high, signal);
  const holders = await holdersOf(new Set(taken));
  return judgeIpcPorts({
    low,
    high,
    taken: taken.map((port) => ({ port, holder: holders.get(port) })),
    wanted: config['max-engines'] + config['warm-cores'],
  });
}

/** By binding each on localhost, as the daemon does before it gives one to a core. */
async function takenPorts(low: number, high: number, signal: AbortSignal): Promise<number[]> {
  const taken: number[] = [];
  for (let first = low; first <= high; first += AT_ONCE) {
    signal.throwIfAborted();
    const ports = Array.from({ length: Math.min(AT_ONCE, high - first + 1) }, (_, index) => first + index);
    const free = await Promise.all(ports.map(canBind));
    taken.push(...ports.filter((_, index) => free[index] === false));
  }
  return taken;
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

export function judgeIpcPorts({ low, high, taken, wanted }: PortFacts): Finding[] {
  const all = high - low + 1;
  const free = all - taken.length;
  // Cores that run already are among the wanted ones.
  const cores = taken.filter(({ holder }) => holder?.args.some((arg) => arg.endsWith('AliRtcCoreService')) === true);
  const range = `${free} of the ${all} ports ${low} to ${high} are free`;
  const holders = [...new Set(taken.flatMap(({ holder }) => (holder === undefined ? [] : [processText(holder)])))];
  const more = holders.length > SHOWN ? ` and ${holders.length - SHOWN} more` : '';
  const by = holders.length === 0 ? '' : `; taken by ${holders.slice(0, SHOWN).join(', ')}${more}`;
  const remedy = `widen the range with core-port-low and core-port-high${holders.length === 0 ? '' : ', or end what holds them'}`;
  if (free === 0) return [failure(`${range}: no engine can be created${by}`, remedy)];
  if (free + cores.length < wanted)
    return [
      warning(`${range}, but ${wanted} engines and warm cores are allowed${by}`, `${remedy}; or lower max-engines`),
    ];
  return [ok(`${range}${by}`)];
}
