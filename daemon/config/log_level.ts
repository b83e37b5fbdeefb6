import type { Logger } from '../../common/logger.js';

const FIRST_SWEEP = 64;

/** The level of a logger and of all its children: pino gives a child its parent's level when it is made, and never again. */
export class LogLevel {
  readonly #root: Logger;
  #children: WeakRef<Logger>[] = [];
  #sweepAt = FIRST_SWEEP;
  readonly #ofEngines = new Map<string, string>();

  /** Knows the children that are made from now on. */
  constructor(root: Logger) {
    this.#root = root;
    // Children inherit it, so theirs are told of, too.
    root.onChild = (child) => this.#add(child);
  }

  set(level: string): void {
    this.#root.level = level;
    for (const child of this.#alive()) child.level = this.#levelOf(child);
  }

  /** Of one engine's loggers, whatever the others have; undefined: as the others. */
  setFor(engineId: string, level: string | undefined): void {
    if (level === undefined) this.#ofEngines.delete(engineId);
    else this.#ofEngines.set(engineId, level);
    for (const child of this.#alive())
      if (child.bindings()['engineId'] === engineId) child.level = this.#levelOf(child);
  }

  #levelOf(child: Logger): string {
    const engineId: unknown = this.#ofEngines.size === 0 ? undefined : child.bindings()['engineId'];
    return (typeof engineId === 'string' ? this.#ofEngines.get(engineId) : undefined) ?? this.#root.level;
  }

  #add(child: Logger): void {
    this.#children.push(new WeakRef(child));
    if (this.#ofEngines.size > 0) child.level = this.#levelOf(child);
    if (this.#children.length < this.#sweepAt) return;
    this.#children = this.#children.filter((reference) => reference.deref() !== undefined);
    this.#sweepAt = Math.max(FIRST_SWEEP, this.#children.length * 2);
  }

  #alive(): Logger[] {
    return this.#children.flatMap((reference) => reference.deref() ?? []);
  }
}
