import type { Socket } from 'node:net';
import { refusal } from '../refusals.js';
import type { FrameLanes, LaneOffer } from '../../common/frame_lanes.js';
import { serializeFrame } from './frame_message.js';
import type { FrameMessage, LaneMessage } from './frame_message.js';
import type { FrameSink } from './frame_pump.js';

/** What a sink needs of a gRPC stream. */
export interface FrameCall {
  write(message: FrameMessage | LaneMessage, done?: () => void): void;
  /** Without an error the status is OK. */
  end(error?: Error): void;
}

/** Data beyond this are not copied behind their header, but written from where they are. */
const MAX_COPIED_BYTES = 16 * 1024;
const LENGTH_BYTES = 4;
/** A client that takes what is left no more, without closing. */
const LINGER_MS = 30_000;

/** Writes frames to a gRPC stream, and from when the client has connected on to its lane; the stream stays for the end. */
export class LaneSink implements FrameSink {
  readonly #call: FrameCall;
  #offer: LaneOffer | undefined;
  #socket: Socket | undefined;
  #hasEnded = false;

  constructor(call: FrameCall) {
    this.#call = call;
  }

  /** To be called before the first frame. Without lanes nothing changes. */
  offer(lanes: Pick<FrameLanes, 'offer'>): void {
    if (this.#hasEnded) return;
    this.#offer = lanes.offer((socket) => this.#begin(socket));
    if (this.#offer === undefined) return;
    const { path, secret } = this.#offer;
    this.#call.write({ lane: { path, secret, begins: false, direct: false } });
  }

  /** From the core; none come by write() then. */
  offerDirect({ path, secret }: { path: string; secret: Buffer }): void {
    if (!this.#hasEnded) this.#call.write({ lane: { path, secret, begins: false, direct: true } });
  }

  write(message: FrameMessage, done: () => void): void {
    const socket = this.#socket;
    if (socket === undefined) this.#call.write(message, done);
    else writeFrame(socket, message, done);
  }

  end(error?: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#offer?.withdraw();
    this.#hangUp();
    this.#call.end(error);
  }

  /** The call is over: by end(), or the client is gone. */
  close(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#offer?.withdraw();
    this.#socket?.destroy();
  }

  /** Everything that was written to the call before is in front of this message. */
  #begin(socket: Socket): void {
    if (this.#hasEnded) {
      socket.destroy();
      return;
    }
    this.#call.write({ lane: { path: '', secret: Buffer.alloc(0), begins: true, direct: false } });
    this.#socket = socket;
    socket.once('close', () => this.#onLost());
  }

  #onLost(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const remedy = 'open the stream again, or without local_lane';
    this.#call.end(refusal('unavailable', 'FRAME_LANE_LOST', 'the client closed the frame lane', { remedy }));
  }

  /** What was written still goes out. */
  #hangUp(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.end();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  }
}

function writeFrame(socket: Socket, message: FrameMessage, done: () => void): void {
  const frame = serializeFrame(message);
  const { byteLength, parts } = frame;
  const data = parts.at(-1);
  const apart = data !== undefined && data.byteLength > MAX_COPIED_BYTES ? data : undefined;
  const head = Buffer.allocUnsafe(LENGTH_BYTES + byteLength - (apart?.byteLength ?? 0));
  head.writeUInt32BE(byteLength);
  let at = LENGTH_BYTES;
  for (const part of parts) {
    if (part === apart) break;
    head.set(part, at);
    at += part.byteLength;
  }
  if (apart === undefined) {
    socket.write(head, done);
    return;
  }
  socket.cork();
  socket.write(head);
  socket.write(apart, done);
  socket.uncork();
}
