import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** A stretch of network on loopback that candidates are led through, and that can be cut. Every candidate gets an entrance of its own. */
export class UdpPath implements AsyncDisposable {
  isCut = false;
  readonly #entrances = new Map<number, Entrance>();
  readonly #sockets: Socket[] = [];
  readonly #free: Entrance[];

  private constructor(free: Entrance[]) {
    this.#free = free;
    for (const { socket } of free) this.#sockets.push(socket);
  }

  static async open(entrances = 8): Promise<UdpPath> {
    const free: Entrance[] = [];
    for (let i = 0; i < entrances; i++) {
      const socket = createSocket('udp4').bind(0, '127.0.0.1');
      await once(socket, 'listening');
      free.push({ socket, port: socket.address().port });
    }
    return new UdpPath(free);
  }

  /** The candidate with this path's entrance to it; undefined for what is not UDP on 127.0.0.1. */
  through(candidate: string): string | undefined {
    const match = /^((?:candidate:)?\S+ \d+ udp \d+) 127\.0\.0\.1 (\d+) /i.exec(candidate);
    if (match === null) return undefined;
    const target = Number(match[2]);
    let entrance = this.#entrances.get(target);
    if (entrance === undefined) {
      entrance = this.#free.shift();
      if (entrance === undefined) throw new Error('the path has no entrance left');
      this.#entrances.set(target, entrance);
      const { socket } = entrance;
      socket.on('message', (data, from) => this.#pass(data, from, target));
    }
    return candidate.replace(match[0], `${match[1]} 127.0.0.1 ${entrance.port} `);
  }

  /** Leaves by the entrance of the sender, so that an answer finds back. */
  #pass(data: Buffer, from: RemoteInfo, target: number): void {
    if (this.isCut) return;
    this.#entrances.get(from.port)?.socket.send(data, target, '127.0.0.1');
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.close();
    return Promise.resolve();
  }
}

interface Entrance {
  socket: Socket;
  port: number;
}
