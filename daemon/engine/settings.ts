import type { CommandFields, CommandName } from '../../coreservice/ipc/commands.js';

type Send = <N extends CommandName>(name: N, fields: CommandFields<N>) => void;

/** Slots of one kind of setting for each user of a long-lived channel: enough for a large one, then the oldest is forgotten. */
const MAX_SLOTS = 4096;

/** The settings of an engine as the commands that make them, in the order in which they were last set. A new core process gets them all. */
export class Settings {
  readonly #slots = new Map<string, (send: Send) => void>();

  set<N extends CommandName>(slot: string, name: N, fields: CommandFields<N>): void {
    // Deleted first, so that the order is that of the last setting.
    this.#slots.delete(slot);
    this.#slots.set(slot, (send) => send(name, fields));
    const oldest = this.#slots.keys().next();
    if (this.#slots.size > MAX_SLOTS && oldest.done === false) this.#slots.delete(oldest.value);
  }

  delete(slot: string): void {
    this.#slots.delete(slot);
  }

  replay(send: Send): void {
    for (const sendSlot of this.#slots.values()) sendSlot(send);
  }
}
