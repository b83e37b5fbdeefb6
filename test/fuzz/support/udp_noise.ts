import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { corpus } from './corpus.js';
import { mutate } from './mutate.js';
import type { Random } from './random.js';

/** Datagrams from a stranger to UDP ports of this machine: broken STUN and DTLS, SRTP without keys, anything. */
export class UdpNoise implements AsyncDisposable {
  readonly #socket: Socket;
  sent = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(): Promise<UdpNoise> {
    const socket = createSocket('udp4');
    socket.on('error', () => undefined);
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new UdpNoise(socket);
  }

  send(random: Random, ports: readonly number[], count: number): void {
    if (ports.length === 0) return;
    for (let left = count; left > 0; left--) {
      const kind = random.pick(['stun', 'stun', 'dtls', 'rtp', 'rtcp'] as const);
      const real = corpus(kind);
      const choice = random.below(10);
      const bytes =
        choice === 0
          ? random.bytes(random.size(1400))
          : choice < 3
            ? random.pick(real)
            : mutate(random, random.pick(real), real);
      this.#socket.send(bytes.subarray(0, 60_000), random.pick(ports), '127.0.0.1', () => undefined);
      this.sent += 1;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }
}
