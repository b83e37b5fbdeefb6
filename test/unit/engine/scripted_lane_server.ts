import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { LaneOffer } from '../../../common/frame_lanes.js';
import type { LaneServer } from '../../../coreservice/engine/contracts.js';
import { OnRemoteVideoSampleResponse } from '../../../gen/alirtc/v1/media.js';

/** A client's end of a lane: what was written, and a socket that takes it only while it is not `stuck`. */
export class ScriptedLaneSocket extends EventEmitter {
  readonly pictures: OnRemoteVideoSampleResponse[] = [];
  writableLength = 0;
  destroyed = false;
  ended = false;
  /** What end() waits for. */
  stuck = false;

  write(bytes: Buffer): boolean {
    if (this.ended || this.destroyed) throw new Error('a write after the end');
    if (bytes.readUInt32BE() !== bytes.length - 4) throw new Error('a wrong length');
    this.pictures.push(OnRemoteVideoSampleResponse.decode(bytes.subarray(4)));
    return true;
  }

  end(done: () => void): void {
    this.ended = true;
    if (!this.stuck) done();
  }

  /** Here, or by the client. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }

  /** Header numbers and the picture's own, of what has come since the last call. */
  take(): { sequence: number; droppedBefore: number; frameNum: number }[] {
    return this.pictures.splice(0).map(({ header, frameNum }) => ({
      sequence: header?.sequence ?? -1,
      droppedBefore: header?.droppedBefore ?? -1,
      frameNum,
    }));
  }
}

/** The socket of picture lanes without a socket: clients come when a test says so. */
export class ScriptedLaneServer implements LaneServer {
  readonly #offers = new Map<string, (socket: Socket) => void>();
  #isReady = false;
  closed = false;

  constructor(
    readonly path: string,
    private readonly options: { gate?: Promise<void>; broken?: boolean } = {},
  ) {}

  async start(): Promise<void> {
    await this.options.gate;
    this.#isReady = this.options.broken !== true;
  }

  offer(take: (socket: Socket) => void, secret: Buffer = Buffer.alloc(32)): LaneOffer | undefined {
    if (!this.#isReady) return undefined;
    const key = secret.toString('hex');
    this.#offers.set(key, take);
    return { path: this.path, secret, withdraw: () => this.#offers.delete(key) };
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  /** Secrets that are good now. */
  get offered(): string[] {
    return [...this.#offers.keys()];
  }

  /** A client says it. */
  connect(secret: string): ScriptedLaneSocket {
    const take = this.#offers.get(secret);
    if (take === undefined) throw new Error('nobody was given this secret');
    this.#offers.delete(secret);
    const socket = new ScriptedLaneSocket();
    take(socket as unknown as Socket);
    return socket;
  }
}
