/** What the soak and its client processes say to each other: lines of JSON. */

/** Given to a client process when it starts. */
export interface ClientParameters {
  address: string;
  /** Its slots, by name. */
  slots: SlotParameters[];
  pace: Pace;
}

export interface SlotParameters {
  /** Also the user id of its engines. */
  name: string;
  seed: number;
  /** One engine for the whole run, in the channel of the peer that is not ours. */
  stays: boolean;
}

/** How long things last, in ms. */
export interface Pace {
  session: readonly [least: number, most: number];
  pause: readonly [least: number, most: number];
}

/** Somebody who is disturbed from now on, for so long: what goes wrong with it meanwhile is no violation. */
export interface Excuse {
  /** A slot's name, or the peer's, or EVERYBODY. */
  who: string;
  forMs: number;
}

export type ToClient = { excuse: Excuse } | { stop: true } | { figures: true };

/** Since the client process started. */
export interface ClientFigures {
  lives: number;
  joins: number;
  calls: number;
  pushed: number;
  pictures: number;
  numbers: number;
  sound: number;
  events: number;
  /** Calls and streams that went wrong while a fault excused it. */
  excused: number;
  /** Connections to the channel server that were lost. */
  reconnects: number;
  openFlows: number;
  residentBytes: number;
  heapBytes: number;
  descriptors: number;
  /** Of its event loop since the last figures. */
  loopDelayMs: number;
}

export type FromClient =
  | { ready: true }
  | { violation: string }
  | { figures: ClientFigures }
  /** The slot's engine; an empty one: it has none. */
  | { slot: string; engineId: string; corePort: number }
  /** Left to its lease, on purpose. */
  | { abandoned: string; leaseSeconds: number }
  /** The slot publishes numbered pictures into the peer's channel, or has stopped doing so. */
  | { publishing: boolean; user: string }
  | { stopped: true };

export const EVERYBODY = '*';
export const ANCHOR = 'anchor';
/** The channel with the peer that is not ours, and one of our engines alone. */
export const CHANNELS = { anchored: 'soak-a', own: 'soak-b' } as const;
export const TONES = { anchor: 440, slot: 600 } as const;
export const PICTURE = { width: 320, height: 180, framesPerSecond: 10 } as const;
/** Media that should come comes within this, outside of what is excused. */
export const SILENCE_LIMIT_MS = 10_000;
/** Of engines that are made by the soak. */
export const LEASE_SECONDS = 5;
