import type { FrameLane as LaneMessage } from '../gen/alirtc/v1/media.js';
import { FrameLane } from './frame_lane.js';
import type { FrameOrLane, NumberedFrame } from './laned_call.js';
import type { ReadGate } from './transport.js';

export interface DirectLanesOptions<T> {
  decode: (bytes: Buffer) => FrameOrLane<T>;
  gate: ReadGate;
  /** Of the frame that came last before the first lane; 0: none. */
  after: number;
  onFrame(frame: T): void;
  /** All lanes were read to their end; with an error: there will be nothing more, and nothing is open. */
  onRead(error?: Error): void;
}

interface DirectLane {
  readonly lane: FrameLane;
  isClosed: boolean;
  error?: Error | undefined;
}

/** A lane for every core process that was replaced while its reader stood still. */
const MAX_LANES = 8;
/** How long a lane that nothing holds up may stay open after the status of its stream: its core process ends it together with that. */
const DRAIN_MS = 5_000;

/**
 * The lanes of one stream that lead to core processes (media.proto, FrameLane with direct). All are connected to at once, since their secrets do not last, and read one after the other.
 * Frames count from 1 in each lane: here they are numbered through.
 */
export class DirectLanes<T extends NumberedFrame> {
  readonly #options: DirectLanesOptions<T>;
  /** The first one is being read. */
  readonly #lanes: DirectLane[] = [];
  #sequence: number;
  /** Of the frame before the lane that is being read. */
  #base = 0;
  #hasBegun: boolean;
  #isAfterBreak = false;
  #drain: NodeJS.Timeout | undefined;

  constructor(options: DirectLanesOptions<T>) {
    this.#options = options;
    this.#sequence = options.after;
    this.#hasBegun = options.after > 0;
  }

  get isOpen(): boolean {
    return this.#lanes.length > 0;
  }

  add({ path, secret }: LaneMessage): void {
    const { decode, gate } = this.#options;
    const lane = new FrameLane(path, secret, {
      onMessage: (bytes) => this.#receive(decode(bytes).frame),
      onClosed: (error) => this.#closed(entry, error),
      mayRead: (resume) => {
        if (!gate.isOpen) gate.pass(resume);
        return gate.isOpen;
      },
    });
    const entry: DirectLane = { lane, isClosed: false };
    this.#lanes.push(entry);
    if (this.#lanes.length === 1) this.#begin(lane);
    // The oldest one's core has been gone for long.
    else if (this.#lanes.length > MAX_LANES) this.#lanes[0]?.lane.destroy();
  }

  /** The stream has its status: nothing hangs on a core process that does not end its lane. */
  finish(): void {
    if (!this.isOpen || this.#drain !== undefined) return;
    this.#drain = setInterval(() => {
      const lane = this.#lanes[0]?.lane;
      if (lane?.isHeld === false) lane.destroy();
    }, DRAIN_MS);
  }

  /** Closes all; onRead is not called. */
  destroy(): void {
    clearInterval(this.#drain);
    for (const { lane } of this.#lanes.splice(0)) lane.destroy();
  }

  #begin(lane: FrameLane): void {
    this.#base = this.#sequence;
    this.#isAfterBreak = this.#hasBegun;
    this.#hasBegun = true;
    lane.start();
  }

  #receive(frame: T | undefined): void {
    if (frame === undefined) return;
    frame.sequence += this.#base;
    if (this.#isAfterBreak) frame.discontinuity = true;
    this.#isAfterBreak = false;
    this.#sequence = frame.sequence;
    this.#options.onFrame(frame);
  }

  /** What a later lane has to tell waits for its turn. */
  #closed(entry: DirectLane, error: Error | undefined): void {
    entry.isClosed = true;
    entry.error = error;
    if (entry === this.#lanes[0]) this.#advance();
  }

  #advance(): void {
    for (let first = this.#lanes[0]; first?.isClosed === true; first = this.#lanes[0]) {
      this.#lanes.shift();
      this.#hasBegun = true;
      if (first.error === undefined) continue;
      this.destroy();
      this.#options.onRead(first.error);
      return;
    }
    const next = this.#lanes[0];
    if (next !== undefined) return this.#begin(next.lane);
    clearInterval(this.#drain);
    this.#options.onRead();
  }
}
