import { connect as connectTcp, isIP, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Transport } from 'werift';

type Address = readonly [string, number];

export interface StreamTarget {
  host: string;
  port: number;
  transport: 'tcp' | 'tls';
}

/** A network that takes nothing any more: media that is late is worth nothing, so it is dropped as UDP would. */
const MAX_WAITING_BYTES = 512 * 1024;

/** The library's transport over TCP or TLS, to a TURN server: opening it can be given up, and it does not collect what the network does not take. */
export class RelayStream implements Transport {
  readonly type: 'tcp' | 'tls';
  readonly address = {} as AddressInfo;
  readonly remoteAddress: Address;
  onData: (data: Buffer, address: Address) => void = () => undefined;
  closed = false;
  readonly #socket: Socket;

  private constructor(type: 'tcp' | 'tls', socket: Socket) {
    this.type = type;
    this.#socket = socket;
    this.remoteAddress = [socket.remoteAddress ?? '', socket.remotePort ?? 0];
    socket.on('data', (data: Buffer) => this.onData(data, this.remoteAddress));
    socket.on('close', () => (this.closed = true));
  }

  /** Rejects, with nothing left, when the server cannot be reached, its certificate is not good, or `signal` aborts. */
  static open({ host, port, transport }: StreamTarget, signal: AbortSignal): Promise<RelayStream> {
    return new Promise((resolve, reject) => {
      const target = { host, port, noDelay: true };
      // An address is not sent as a server name (RFC 6066 section 3); it is compared with the certificate all the same.
      const servername = isIP(host) === 0 ? { servername: host } : {};
      const socket = transport === 'tls' ? connectTls({ ...target, ...servername }) : connectTcp(target);
      const fail = (): void => void socket.destroy(new Error('given up'));
      socket.on('error', reject);
      socket.once('close', () => signal.removeEventListener('abort', fail));
      socket.once(transport === 'tls' ? 'secureConnect' : 'connect', () => {
        signal.removeEventListener('abort', fail);
        resolve(new RelayStream(transport, socket));
      });
      if (signal.aborted) fail();
      else signal.addEventListener('abort', fail, { once: true });
    });
  }

  /** Whole messages only, so that one that is dropped leaves the framing intact. */
  send(data: Buffer): Promise<void> {
    if (!this.closed && this.#socket.writableLength < MAX_WAITING_BYTES) this.#socket.write(data);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closed = true;
    this.#socket.destroy();
    return Promise.resolve();
  }
}
