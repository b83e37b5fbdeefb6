import { readFileSync } from 'node:fs';
import { descendantsOf } from '../integration/bad_input/footprint.js';

const PERIOD_MS = 1_000;
/** Of the time of all processors: what is left is too little for eight engines. */
const MOST_FOR_OTHERS = 0.5;
/** The share of the newest look in the average: the last five seconds or so. */
const WEIGHT = 0.2;
/** What waited while the machine was overloaded may end behind it. */
const AFTERWARDS_MS = 15_000;

/** Tells when others keep the machine busy: what is late then says nothing of the daemon. The soak's own processes are no others. */
export class Overload {
  /** For so long it was overloaded. */
  overloadedMs = 0;
  readonly #timer: NodeJS.Timeout;
  #others = 0;
  #before = ticks();
  #excusedUntilMs = 0;

  constructor(onOverload: (forMs: number) => void) {
    let lastMs = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#others += (this.#share() - this.#others) * WEIGHT;
      if (now < this.#excusedUntilMs) this.overloadedMs += now - lastMs;
      lastMs = now;
      if (this.#others <= MOST_FOR_OTHERS) return;
      // Told again in time, not at every look.
      if (now < this.#excusedUntilMs - AFTERWARDS_MS / 2) return;
      this.#excusedUntilMs = now + AFTERWARDS_MS;
      onOverload(AFTERWARDS_MS);
    }, PERIOD_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Of the processors' time since the last look, what others had. What a process of ours used just before it ended counts as theirs. */
  #share(): number {
    const before = this.#before;
    const now = (this.#before = ticks());
    let own = 0;
    for (const [pid, used] of now.own) own += used - (before.own.get(pid) ?? 0);
    const all = now.all - before.all;
    return all <= 0 ? 0 : Math.max(0, now.busy - before.busy - own) / all;
  }
}

interface Ticks {
  all: number;
  /** Of everybody, but for what gives way to others (nice); with what the machine below took (steal). */
  busy: number;
  /** By process id, of this process and those below it. */
  own: Map<number, number>;
}

/** proc(5), in clock ticks. */
function ticks(): Ticks {
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softIrq = 0, steal = 0] = fieldsOf('/proc/stat')
    .slice(1, 9)
    .map(Number);
  const busy = user + system + irq + softIrq + steal;
  const own = [process.pid, ...descendantsOf(process.pid)].map((pid): [number, number] => {
    const fields = fieldsOf(`/proc/${pid}/stat`);
    return [pid, Number(fields[11] ?? 0) + Number(fields[12] ?? 0)];
  });
  return { all: busy + nice + idle + wait, busy, own: new Map(own) };
}

/** Of a line; of a process's those behind its name, which may hold spaces: the state is the first. */
function fieldsOf(file: string): string[] {
  try {
    const line = readFileSync(file, 'utf8').split('\n', 1)[0] ?? '';
    return line
      .slice(line.lastIndexOf(')') + 1)
      .trim()
      .split(/\s+/);
  } catch {
    // It has ended.
    return [];
  }
}
