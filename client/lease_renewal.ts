import { status } from '@grpc/grpc-js';
import { toStatusError } from './status_error.js';

/** So many renewals fit into one lease: two may be lost. */
const RENEWALS = 3;
/** What does not come back. */
const OVER: ReadonlySet<status> = new Set([status.NOT_FOUND, status.CANCELLED, status.UNIMPLEMENTED]);

/** Renews the lease of an engine as long as this process has it. Does not keep the process alive. */
export class LeaseRenewal {
  readonly #timer: NodeJS.Timeout | undefined;

  /** 0 seconds: there is nothing to renew. */
  constructor(leaseSeconds: number, renew: () => Promise<unknown>) {
    if (leaseSeconds <= 0) return;
    this.#timer = setInterval(
      () => {
        renew().catch((error: unknown) => {
          if (OVER.has(toStatusError(error).code)) this.stop();
        });
      },
      (leaseSeconds * 1000) / RENEWALS,
    );
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
