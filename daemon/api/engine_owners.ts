import type { Identity } from '../node/identity.js';

/** Of engines that ended: their events can still be asked for, so whose they were is known for a while. */
const KEPT = 4096;

/** Whose engines are whose. An engine that is nobody's (yet) is for administrators only. */
export class EngineOwners {
  readonly #owners = new Map<string, string>();
  readonly #isLive: (engineId: string) => boolean;

  constructor(isLive: (engineId: string) => boolean) {
    this.#isLive = isLive;
  }

  add(engineId: string, owner: Identity): void {
    this.#owners.set(engineId, owner.name);
    if (this.#owners.size <= KEPT) return;
    for (const id of this.#owners.keys()) {
      if (this.#isLive(id)) continue;
      this.#owners.delete(id);
      return;
    }
  }

  /** His name; undefined: nobody's yet, or it is not known any more. */
  of(engineId: string): string | undefined {
    return this.#owners.get(engineId);
  }

  /** How many of the live engines are his. */
  countOf({ name }: Identity): number {
    let count = 0;
    for (const [id, owner] of this.#owners) if (owner === name && this.#isLive(id)) count += 1;
    return count;
  }

  /** True also for an engine that never was: its name is nothing to hide. */
  maySee({ name, scopes }: Identity, engineId: string): boolean {
    if (scopes.has('admin')) return true;
    const owner = this.#owners.get(engineId);
    return owner === undefined ? !this.#isLive(engineId) : owner === name;
  }
}
