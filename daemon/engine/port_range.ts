import { createServer } from 'node:net';
import { AlirtcError } from '../../common/errors.js';

/** A port that nobody else in this process draws until it is given back. */
export interface ReservedPort {
  readonly port: number;
  /** Idempotent. */
  giveBack(): void;
}

export interface PortRangeOptions {
  low: number;
  high: number;
  /** How many different ports to try; 1,000 by default (core-service-ipc.md, section 1). */
  maxTries?: number;
  /** As Math.random. */
  random?: () => number;
  /** Whether the port can be bound on localhost now. */
  isFree?: (port: number) => Promise<boolean>;
  /** The ports drawn and not given back; one set for the whole process by default, because ranges may overlap. */
  reserved?: Set<number>;
}

const HIGHEST_PORT = 65_535;
const RESERVED_IN_THIS_PROCESS = new Set<number>();

/** How many ports this process has drawn and not given back. */
export function reservedPortCount(): number {
  return RESERVED_IN_THIS_PROCESS.size;
}

/** True when the port can be bound on localhost now. */
function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The local ports between daemon and core services: [low, high], both included. */
export class PortRange {
  readonly low: number;
  readonly high: number;
  readonly #maxTries: number;
  readonly #random: () => number;
  readonly #isFree: (port: number) => Promise<boolean>;
  readonly #reserved: Set<number>;

  /** Throws invalid_argument for a range outside 1-65535 or upside down. */
  constructor(options: PortRangeOptions) {
    const { low, high } = options;
    for (const [field, port] of Object.entries({ low_port: low, high_port: high }))
      if (!Number.isInteger(port) || port < 1 || port > HIGHEST_PORT)
        throw refuseRange(field, port, `must be a whole number from 1 to ${HIGHEST_PORT}`);
    if (low > high) throw refuseRange('low_port', low, `must not be above high_port (${high})`);
    this.low = low;
    this.high = high;
    this.#maxTries = options.maxTries ?? 1000;
    this.#random = options.random ?? Math.random;
    this.#isFree = options.isFree ?? canBind;
    this.#reserved = options.reserved ?? RESERVED_IN_THIS_PROCESS;
  }

  /** A random free port, reserved. Rejects with resource_exhausted when the tries find none. */
  async draw(): Promise<ReservedPort> {
    for (const port of this.#candidates()) {
      if (this.#reserved.has(port)) continue;
      // Reserved before the first wait, so that concurrent draws never look at the same port.
      this.#reserved.add(port);
      if (await this.#isFree(port)) return { port, giveBack: this.#giveBackOnce(port) };
      this.#reserved.delete(port);
    }
    throw new AlirtcError('resource_exhausted', `no free local port from ${this.low} to ${this.high}`, {
      reason: 'NO_FREE_PORT',
      remedy: 'Release an engine, or widen the port range.',
      metadata: { low_port: String(this.low), high_port: String(this.high) },
    });
  }

  #giveBackOnce(port: number): () => void {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#reserved.delete(port);
    };
  }

  /** Different ports of the range in random order: a shuffle (Fisher-Yates) that keeps only what it has moved. */
  *#candidates(): Generator<number> {
    const size = this.high - this.low + 1;
    const moved = new Map<number, number>();
    for (let index = 0; index < Math.min(size, this.#maxTries); index++) {
      const pick = index + Math.min(size - index - 1, Math.floor(this.#random() * (size - index)));
      const offset = moved.get(pick) ?? pick;
      moved.set(pick, moved.get(index) ?? index);
      yield this.low + offset;
    }
  }
}

function refuseRange(field: string, port: number, rule: string): AlirtcError {
  return new AlirtcError('invalid_argument', `${field} is ${port}, ${rule}`, {
    reason: 'BAD_PORT_RANGE',
    field,
    value: String(port),
    remedy: `give ports from 1 to ${HIGHEST_PORT}, the lower one first`,
  });
}
