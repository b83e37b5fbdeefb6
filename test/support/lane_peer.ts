import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { LaneReader } from '../../client/lane_reader.js';
import type { FrameLane } from '../../gen/alirtc/v1/media.js';
import { eventually } from './eventually.js';

/** Connects and says that; resolves with how many bytes came until the other end closed. */
export async function saidToLane(path: string, bytes: Buffer): Promise<number> {
  const socket = connect(path);
  let received = 0;
  socket.on('data', (chunk: Buffer) => (received += chunk.length));
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  return received;
}

/** A frame stream read by hand: what came by gRPC, and what by the lane. */
export class LanePeer<Message extends { lane?: FrameLane | undefined }> {
  readonly byGrpc: Message[] = [];
  readonly byLane: Message[] = [];
  offer: FrameLane | undefined;
  hasBegun = false;
  laneClosed = false;
  error: Error | undefined;
  hasEnded = false;
  socket: Socket | undefined;
  readonly #reader = new LaneReader(1 << 24);

  constructor(
    readonly call: ClientReadableStream<Message>,
    private readonly decode: (bytes: Buffer) => Message,
  ) {
    call.on('data', (message: Message) => {
      if (message.lane === undefined) this.byGrpc.push(message);
      else if (message.lane.begins) this.hasBegun = true;
      else this.offer = message.lane;
    });
    call.on('error', (error) => (this.error = error));
    call.on('status', () => (this.hasEnded = true));
  }

  offered(): Promise<void> {
    return eventually(() => (this.offer === undefined ? 'no lane was offered' : undefined));
  }

  /** Connects, and reads unless told otherwise. A direct lane has no beginning to wait for. */
  async begin({ reads = true, direct = false } = {}): Promise<Socket> {
    await this.offered();
    const socket = (this.socket = connect(this.offer?.path ?? ''));
    socket.on('close', () => (this.laneClosed = true));
    socket.on('error', () => undefined);
    socket.write(this.offer?.secret ?? '');
    if (reads) this.read();
    if (!direct) await eventually(() => (this.hasBegun ? undefined : 'the lane did not begin'));
    return socket;
  }

  read(): void {
    this.socket?.on('data', (chunk: Buffer) => {
      this.#reader.feed(chunk);
      for (let bytes = this.#reader.next(); bytes !== undefined; bytes = this.#reader.next())
        this.byLane.push(this.decode(bytes));
    });
  }
}
