import { EventEmitter } from 'node:events';
import { status } from '@grpc/grpc-js';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import type { FrameLane as LaneMessage } from '../gen/alirtc/v1/media.js';
import { FrameLane } from './frame_lane.js';
import type { ReadGate, ReadPermit } from './transport.js';

/** What a message stream reads: a gRPC call, or one whose frames come by a lane. */
export interface MessageCall<T> {
  on(event: 'data', listener: (message: T) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  cancel(): void;
}

/** What comes in a frame stream: a frame, or a message about its lane. */
export interface FrameOrLane<T> {
  frame?: T;
  lane?: LaneMessage;
}

export interface LanedCallOptions<T> {
  open: (permit: ReadPermit) => ClientReadableStream<FrameOrLane<T>>;
  decode: (bytes: Buffer) => FrameOrLane<T>;
  gate: ReadGate;
}

/**
 * A frame stream whose messages may come by a lane beside gRPC (media.proto, FrameLane). In order, whichever way they come: the lane is read from the message on that says that it
 * begins, and the stream ends when both have ended. A lane that cannot be opened changes nothing.
 */
export class LanedCall<T>
  extends EventEmitter<{ data: [message: T]; error: [error: unknown]; end: [] }>
  implements MessageCall<T>
{
  readonly #call: ClientReadableStream<FrameOrLane<T>>;
  readonly #options: LanedCallOptions<T>;
  #lane: FrameLane | undefined;
  #hasBegun = false;
  /** Of the gRPC stream. */
  #status: { error?: unknown } | undefined;
  #isOver = false;

  constructor(options: LanedCallOptions<T>) {
    super();
    this.#options = options;
    // Once the lane is read, gRPC has nothing to hold back: its status comes last.
    this.#call = options.open({ pass: (read) => (this.#hasBegun ? read() : options.gate.pass(read)) });
    this.#call.on('data', (message: FrameOrLane<T>) => this.#receive(message));
    this.#call.on('error', (error: ServiceError) => {
      // Nobody reads what is cancelled here.
      if (error.code === status.CANCELLED) this.#lane?.destroy();
      this.#ended({ error });
    });
    this.#call.on('end', () => this.#ended({}));
  }

  cancel(): void {
    this.#lane?.destroy();
    this.#call.cancel();
  }

  #receive({ frame, lane }: FrameOrLane<T>): void {
    if (lane === undefined) {
      if (frame !== undefined) this.emit('data', frame);
    } else if (lane.begins) {
      this.#hasBegun = true;
      this.#lane?.start();
    } else this.#open(lane);
  }

  #open({ path, secret }: LaneMessage): void {
    const { decode, gate } = this.#options;
    const lane = new FrameLane(path, secret, {
      onMessage: (bytes) => this.#receive(decode(bytes)),
      onClosed: (error) => {
        if (this.#lane === lane) this.#laneClosed(error);
      },
      mayRead: (resume) => {
        if (!gate.isOpen) gate.pass(resume);
        return gate.isOpen;
      },
    });
    this.#lane = lane;
  }

  #laneClosed(error: Error | undefined): void {
    this.#lane = undefined;
    if (error !== undefined) {
      this.#ended({ error });
      this.#call.cancel();
    }
    // Without a status the daemon, or this process, is about to say why.
    if (this.#status !== undefined) this.#end();
  }

  /** The first word counts: an error comes before the end. */
  #ended(told: { error?: unknown }): void {
    this.#status ??= told;
    if (!this.#hasBegun) this.#lane?.destroy();
    if (this.#lane === undefined) this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { error } = this.#status ?? {};
    if (error === undefined) this.emit('end');
    else this.emit('error', error);
  }
}
