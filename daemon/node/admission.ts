import type { AlirtcError } from '../../common/errors.js';
import type { Clock } from '../clock.js';
import { refusal } from '../refusals.js';

/** What was admitted, and is not wholly in the measured load yet. */
interface Reservation {
  engineId: string;
  costMs: number;
  atMs: number;
}

export interface AdmissionOptions {
  /** CPU of the daemon's whole family, averaged over the window: ms per second. */
  measuredMs: () => number;
  /** Of one engine's core. */
  coreMs: (engineId: string) => number | undefined;
  /** ms of CPU per second. */
  capacityMs: () => number;
  clock: Clock;
  onRefused?: (what: Admitted) => void;
}

export type Admitted = 'engine' | 'subscription' | 'stream';

/** The measured load is an average over that time. */
export const WINDOW_MS = 10_000;

/**
 * What is left at a time of what was forecast: a stream that began t ago is with t/window of its cost in an average over the window, and its forecast stands for
 * the rest.
 */
export function reservedMs(reservations: readonly Omit<Reservation, 'engineId'>[], nowMs: number): number {
  const rest = (atMs: number): number => Math.min(1, Math.max(0, 1 - (nowMs - atMs) / WINDOW_MS));
  return reservations.reduce((sum, { costMs, atMs }) => sum + costMs * rest(atMs), 0);
}

/** Load and capacity of a node. The load is what its processes were measured to use, and forecasts for what began only now. */
export class Admission {
  readonly #options: AdmissionOptions;
  #reservations: Reservation[] = [];

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get capacityMs(): number {
    return this.#options.capacityMs();
  }

  get loadMs(): number {
    return this.#options.measuredMs() + reservedMs(this.#current(), this.#options.clock.nowMs());
  }

  get freeMs(): number {
    return Math.max(0, this.capacityMs - this.loadMs);
  }

  /** Of one engine: its core as measured, and forecasts of what began only now. */
  engineMs(engineId: string): number {
    const own = this.#current().filter((one) => one.engineId === engineId);
    return (this.#options.coreMs(engineId) ?? 0) + reservedMs(own, this.#options.clock.nowMs());
  }

  /** Takes that much of the capacity, or throws RESOURCE_EXHAUSTED with when to ask again. The returned function gives it back. */
  admit(what: Admitted, engineId: string, costMs: number): () => void {
    const { clock, onRefused } = this.#options;
    const { loadMs, capacityMs } = this;
    if (loadMs + costMs > capacityMs) {
      onRefused?.(what);
      throw nodeIsFull(what, costMs, loadMs, capacityMs);
    }
    const reservation = { engineId, costMs, atMs: clock.nowMs() };
    this.#reservations.push(reservation);
    return () => {
      this.#reservations = this.#reservations.filter((one) => one !== reservation);
    };
  }

  /** The engine has ended. */
  forget(engineId: string): void {
    this.#reservations = this.#reservations.filter((one) => one.engineId !== engineId);
  }

  #current(): readonly Reservation[] {
    const oldestMs = this.#options.clock.nowMs() - WINDOW_MS;
    this.#reservations = this.#reservations.filter(({ atMs }) => atMs > oldestMs);
    return this.#reservations;
  }
}

function nodeIsFull(what: Admitted, costMs: number, loadMs: number, capacityMs: number): AlirtcError {
  const figures = `${Math.ceil(costMs)} ms/s of CPU more than ${Math.floor(loadMs)} of ${capacityMs}`;
  return refusal('resource_exhausted', 'NODE_FULL', `this node has no room for another ${what}: ${figures}`, {
    remedy: 'ask another node, or later; the operator can raise capacity-ms',
    metadata: {
      cost_ms: String(Math.ceil(costMs)),
      load_ms: String(Math.ceil(loadMs)),
      capacity_ms: String(capacityMs),
      limit: String(capacityMs),
      setting: 'capacity-ms',
      // By then what was forecast is measured.
      retry_after_ms: String(WINDOW_MS / 2),
    },
  });
}
