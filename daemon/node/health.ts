import type { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

/** grpc.health.v1: the same word for the daemon ("") and for each service; NOT_SERVING until set. */
export class Health {
  readonly #names: readonly string[];
  readonly #implementation: HealthImplementation;
  #serving = false;

  constructor(services: readonly string[]) {
    this.#names = ['', ...services];
    this.#implementation = new HealthImplementation(
      Object.fromEntries(this.#names.map((name) => [name, 'NOT_SERVING'])),
    );
  }

  get isServing(): boolean {
    return this.#serving;
  }

  set(serving: boolean): void {
    this.#serving = serving;
    for (const name of this.#names) this.#implementation.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
  }

  addToServer(server: Server): void {
    this.#implementation.addToServer(server);
  }
}
