import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { AlirtcClient } from '../../client/index.js';
import type { Engine, Picture, PictureStream } from '../../client/index.js';
import { OnRemoteVideoSampleResponse } from '../../gen/alirtc/v1/media.js';
import type { FrameLane, MediaServiceServer } from '../../gen/alirtc/v1/media.js';
import { eventually } from './eventually.js';
import { FakeDaemon } from './fake_daemon/fake_daemon.js';

export type PictureCall = Parameters<MediaServiceServer['onRemoteVideoSample']>[0];
type Message = Parameters<typeof OnRemoteVideoSampleResponse.fromPartial>[0];

/** Picture n of its lane. Those of two lanes with the same number are told apart by a width. */
export function picture(n: number, more: Message = {}): Message {
  const header = { sequence: n, captureTimeUs: 1000 + n, droppedBefore: 0, discontinuity: false };
  return { header, uid: 'bob', track: 1, frameMs: n * 33, frameNum: n, width: 4, data: Buffer.alloc(16, n), ...more };
}

/** The bytes of the messages as they are in a lane. */
export function onLane(...messages: readonly Message[]): Buffer {
  return Buffer.concat(
    messages.map((message) => {
      const bytes = OnRemoteVideoSampleResponse.encode(OnRemoteVideoSampleResponse.fromPartial(message)).finish();
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    }),
  );
}

export function write(call: PictureCall, message: Message): void {
  call.write(OnRemoteVideoSampleResponse.fromPartial(message));
}

/** What a reader sees of the order. */
export type Seen = [sequence: number, frameNum: number, width: number, discontinuity: boolean];

export function seenOf({ sequence, frameNum, width, discontinuity }: Picture): Seen {
  return [sequence, frameNum, width, discontinuity];
}

export async function readAll(stream: PictureStream): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const frame of stream) {
    assert.deepEqual(frame.data, Buffer.alloc(16, frame.frameNum));
    seen.push(seenOf(frame));
  }
  return seen;
}

/** A daemon and the socket of a core's direct lanes, both played by a test, and a client. */
export class DirectLanePlay {
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'direct-'));
  readonly #server: Server;
  /** Who waits for the client that says it, by the secret in hexadecimal. */
  readonly #offers = new Map<string, (socket: Socket) => void>();
  readonly sockets = new Set<Socket>();
  daemon!: FakeDaemon;
  client!: AlirtcClient;
  engine!: Engine;
  /** Of every call that opens a picture stream. */
  serve: (call: PictureCall) => void = () => undefined;

  private constructor() {
    this.#server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => undefined);
      socket.once('data', (said: Buffer) => {
        const secret = said.toString('hex');
        const take = this.#offers.get(secret);
        assert.ok(take, 'nobody was given this secret');
        this.#offers.delete(secret);
        take(socket);
      });
    });
  }

  static async start(): Promise<DirectLanePlay> {
    const play = new DirectLanePlay();
    play.daemon = await FakeDaemon.start({ media: { onRemoteVideoSample: (call) => play.serve(call) } });
    play.client = await AlirtcClient.connect(play.daemon.address);
    play.engine = play.client.engine('engine-1');
    await new Promise<void>((resolve) => play.#server.listen(play.#path('core.sock'), resolve));
    return play;
  }

  stop(): void {
    this.client.close();
    this.daemon.stop();
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Offers a lane; resolves with its socket when the client has said the secret. */
  offer(call: PictureCall, lane: Partial<FrameLane> = {}): Promise<Socket> {
    const secret = randomBytes(32);
    return new Promise((resolve) => {
      this.#offers.set(secret.toString('hex'), resolve);
      write(call, { lane: { path: this.#path('core.sock'), secret, direct: true, ...lane } });
    });
  }

  /** Offers a lane where nobody listens. */
  offerNothing(call: PictureCall): void {
    void this.offer(call, { path: this.#path('nothing.sock') });
  }

  open(signal?: AbortSignal): PictureStream {
    return this.engine.pictures({ sharedMemory: true, localLane: true, signal });
  }

  /** Opens a stream, and gives its call on the daemon's side as well. */
  async opened(signal?: AbortSignal): Promise<[PictureStream, PictureCall]> {
    const called = new Promise<PictureCall>((resolve) => (this.serve = resolve));
    const stream = this.open(signal);
    return [stream, await called];
  }

  nothingOpen(): Promise<void> {
    return eventually(() => (this.sockets.size === 0 ? undefined : `${this.sockets.size} lanes are open`));
  }

  #path(name: string): string {
    return path.join(this.#folder, name);
  }
}
