import type { CandidatePair, Connection } from 'werift';
import { checkPair } from './werift_internals.js';

export interface PathMonitorOptions {
  connection: Connection;
  /** Without a sign of the peer for so long, the path counts as lost. */
  stallMs: number;
  onStalled: () => void;
  /** After onStalled: the peer is heard again. */
  onRecovered: () => void;
}

const TICK_MS = 500;
/** A peer with nothing to say is asked, so that silence means something. */
const ASK_AFTER_MS = 1500;
const ANSWER_MS = 1000;

/**
 * Finds a dead path within seconds; consent (RFC 7675) takes half a minute. Every datagram and every check counts as a sign of the peer, and a silent peer
 * is asked by a check.
 */
export class PathMonitor {
  readonly #options: PathMonitorOptions;
  #timer: NodeJS.Timeout | undefined;
  #pair: CandidatePair | undefined;
  #checks = 0;
  #isHeard = false;
  #silentSinceMs = 0;
  #tickedAtMs = 0;
  #isStalled = false;

  constructor(options: PathMonitorOptions) {
    this.#options = options;
  }

  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** To be called for every datagram. */
  heard(): void {
    this.#isHeard = true;
  }

  /** When there is a path for the first time. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#silentSinceMs = this.#tickedAtMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** The agent itself found out. */
  stall(): void {
    if (this.#isStalled || this.#timer === undefined) return;
    this.#isStalled = true;
    this.#options.onStalled();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const nowMs = performance.now();
    // A process that did not run for a while has not read its sockets either.
    const lateMs = nowMs - this.#tickedAtMs - TICK_MS;
    this.#tickedAtMs = nowMs;
    if (lateMs > TICK_MS) this.#silentSinceMs += lateMs;
    if (this.#isHeard || this.#hasNewChecks()) {
      this.#isHeard = false;
      this.#silentSinceMs = nowMs;
      if (!this.#isStalled) return;
      this.#isStalled = false;
      this.#options.onRecovered();
      return;
    }
    const silentMs = nowMs - this.#silentSinceMs;
    if (silentMs > this.#options.stallMs) this.stall();
    if (silentMs > ASK_AFTER_MS) this.#ask();
  }

  #hasNewChecks(): boolean {
    const pair = this.#options.connection.nominated;
    const checks = pair === undefined ? 0 : pair.requestsReceived + pair.responsesReceived;
    const isNew = pair !== undefined && (pair !== this.#pair || checks !== this.#checks);
    this.#pair = pair;
    this.#checks = checks;
    return isNew;
  }

  #ask(): void {
    const { connection } = this.#options;
    const pair = connection.nominated;
    if (pair === undefined) return;
    checkPair(connection, pair, ANSWER_MS).then(
      () => this.heard(),
      () => undefined,
    );
  }
}
