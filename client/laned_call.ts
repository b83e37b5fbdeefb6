import { EventEmitter } from 'node:events';
import { status } from '@grpc/grpc-js';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import type { FrameLane as LaneMessage } from '../gen/alirtc/v1/media.js';
import { DirectLanes } from './direct_lanes.js';
import { FrameLane, FrameLaneUnreachable } from './frame_lane.js';
import type { ReadGate, ReadPermit } from './transport.js';

/** What a message stream reads: a gRPC call, or one whose frames come by a lane. */
export interface MessageCall<T> {
  on(event: 'data', listener: (message: T) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  cancel(): void;
}

/** What is changed of the frames of a direct lane. */
export interface NumberedFrame {
  sequence: number;
  discontinuity: boolean;
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
 * begins, and the stream ends when both have ended. A lane that cannot be opened changes nothing. Direct lanes are read from at once, one after the other; when one cannot be opened,
 * the stream ends with FrameLaneUnreachable.
 */
export class LanedCall<T extends NumberedFrame>
  extends EventEmitter<{ data: [message: T]; error: [error: unknown]; end: [] }>
  implements MessageCall<T>
{
  readonly #call: ClientReadableStream<FrameOrLane<T>>;
  readonly #options: LanedCallOptions<T>;
  #lane: FrameLane | undefined;
  #hasBegun = false;
  #direct: DirectLanes<T> | undefined;
  /** Of the frame that came last by gRPC. */
  #sequence = 0;
  /** Of the gRPC stream. */
  #status: { error?: unknown } | undefined;
  #isOver = false;

  constructor(options: LanedCallOptions<T>) {
    super();
    this.#options = options;
    // Once a lane is read, gRPC has nothing to hold back: its status comes last.
    const pass = (read: () => void): void =>
      this.#hasBegun || this.#direct !== undefined ? read() : options.gate.pass(read);
    this.#call = options.open({ pass });
    this.#call.on('data', (message: FrameOrLane<T>) => this.#receive(message));
    this.#call.on('error', (error: ServiceError) => {
      // Nobody reads what is cancelled here.
      if (error.code === status.CANCELLED) this.#destroyLanes();
      this.#ended({ error });
    });
    this.#call.on('end', () => this.#ended({}));
  }

  cancel(): void {
    this.#destroyLanes();
    this.#call.cancel();
  }

  #receive({ frame, lane }: FrameOrLane<T>): void {
    if (frame !== undefined) {
      this.#sequence = frame.sequence;
      this.emit('data', frame);
    } else if (lane !== undefined && this.#status === undefined) this.#receiveLane(lane);
  }

  #receiveLane(lane: LaneMessage): void {
    if (lane.begins) {
      this.#hasBegun = true;
      this.#lane?.start();
    } else if (lane.direct) {
      this.#direct ??= this.#openDirect();
      this.#direct.add(lane);
    } else this.#open(lane);
  }

  #openDirect(): DirectLanes<T> {
    return new DirectLanes({
      decode: this.#options.decode,
      gate: this.#options.gate,
      after: this.#sequence,
      onFrame: (frame) => this.emit('data', frame),
      onRead: (error) => this.#laneClosed(error),
    });
  }

  #open({ path, secret }: LaneMessage): void {
    const { decode, gate } = this.#options;
    const lane = new FrameLane(path, secret, {
      onMessage: (bytes) => this.#receive(decode(bytes)),
      onClosed: (error) => {
        if (this.#lane !== lane) return;
        this.#lane = undefined;
        this.#laneClosed(error instanceof FrameLaneUnreachable ? undefined : error);
      },
      mayRead: (resume) => {
        if (!gate.isOpen) gate.pass(resume);
        return gate.isOpen;
      },
    });
    this.#lane = lane;
  }

  #laneClosed(error: Error | undefined): void {
    if (error !== undefined) {
      this.#ended({ error });
      this.#call.cancel();
    }
    // Without a status the daemon, or this process, is about to say why, or the daemon to offer the next direct lane.
    if (this.#status !== undefined) this.#endWhenRead();
  }

  /** The first word counts: an error comes before the end. */
  #ended(told: { error?: unknown }): void {
    this.#status ??= told;
    if (!this.#hasBegun) this.#lane?.destroy();
    this.#direct?.finish();
    this.#endWhenRead();
  }

  #destroyLanes(): void {
    this.#lane?.destroy();
    this.#direct?.destroy();
  }

  #endWhenRead(): void {
    if (this.#isOver || this.#lane !== undefined || this.#direct?.isOpen === true) return;
    this.#isOver = true;
    const { error } = this.#status ?? {};
    if (error === undefined) this.emit('end');
    else this.emit('error', error);
  }
}
