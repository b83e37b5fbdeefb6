import type { CommandFields, CommandName } from '../../coreservice/ipc/commands.js';

type Send = <N extends CommandName>(name: N, fields: CommandFields<N>) => void;

/** Of one kind of setting: a slot for each user of a large channel; more, or more text, and the oldest of the kind are forgotten. */
const MAX_SLOTS_OF_A_KIND = 1024;
const MAX_CHARACTERS_OF_A_KIND = 256 * 1024;

interface Slot {
  kind: string;
  characters: number;
  replay: (send: Send) => void;
}

/** The settings of an engine as the commands that make them, in the order in which they were last set. A new core process gets them all. */
export class Settings {
  readonly #slots = new Map<string, Slot>();

  set<N extends CommandName>(slot: string, name: N, fields: CommandFields<N>): void {
    // Deleted first, so that the order is that of the last setting.
    this.#slots.delete(slot);
    const characters = slot.length + JSON.stringify(fields).length;
    this.#slots.set(slot, { kind: name, characters, replay: (send) => send(name, fields) });
    this.#forgetOldest(name);
  }

  #forgetOldest(kind: string): void {
    const ofKind = [...this.#slots].filter(([, slot]) => slot.kind === kind);
    let characters = ofKind.reduce((sum, [, slot]) => sum + slot.characters, 0);
    let count = ofKind.length;
    for (const [key, slot] of ofKind) {
      if (count <= MAX_SLOTS_OF_A_KIND && characters <= MAX_CHARACTERS_OF_A_KIND) return;
      this.#slots.delete(key);
      count -= 1;
      characters -= slot.characters;
    }
  }

  clear(): void {
    this.#slots.clear();
  }

  /** Calls `send` for each, in their order. */
  replay(send: Send, skip: ReadonlySet<string> = new Set()): void {
    for (const { kind, replay } of this.#slots.values()) if (!skip.has(kind)) replay(send);
  }
}
