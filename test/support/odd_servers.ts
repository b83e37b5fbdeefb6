import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { WebSocketServer, type WebSocket } from 'ws';
import type { CertificateFiles } from './certificates.js';

/** A server on a free port of 127.0.0.1 that does with connections what its maker says, and knows which are open. */
export class OddServer implements AsyncDisposable {
  readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async listen(server: Server): Promise<OddServer> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const odd = new OddServer(server, (server.address() as AddressInfo).port);
    server.on('connection', (socket: Socket) => {
      odd.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => odd.sockets.delete(socket));
    });
    return odd;
  }

  static plain(onSocket: (socket: Socket) => void): Promise<OddServer> {
    return OddServer.listen(createServer(onSocket));
  }

  static async tls(files: CertificateFiles, onSocket: (socket: Socket) => void): Promise<OddServer> {
    const [cert, key] = await Promise.all([readFile(files.certificate), readFile(files.key)]);
    const server = createTlsServer({ cert, key }, onSocket);
    server.on('tlsClientError', () => undefined);
    return OddServer.listen(server);
  }

  /** HTTP that answers everything with a status, a body and headers. */
  static http(status: number, body: string, headers: Record<string, string> = {}): Promise<OddServer> {
    const server = createHttpServer((_request, response) => response.writeHead(status, headers).end(body));
    return OddServer.listen(server);
  }

  /** A WebSocket server that answers a join as `onSocket` does. */
  static async webSocket(onSocket: (socket: WebSocket) => void): Promise<OddServer> {
    const server = createHttpServer((_request, response) => response.writeHead(404).end('no such page'));
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) => {
      socket.on('error', () => undefined);
      onSocket(socket);
    });
    return OddServer.listen(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

/** Accepts the upgrade, then says `bytes` in place of WebSocket frames. */
export function upgradeThenSay(bytes: Buffer): (socket: Socket) => void {
  return (socket) => {
    socket.once('data', (request: Buffer) => {
      const key = /sec-websocket-key: (\S+)/i.exec(request.toString('latin1'))?.[1] ?? '';
      // RFC 6455 section 1.3.
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.write(bytes);
    });
  };
}

/** Everything that comes in goes to a port of this machine, and back: TLS in front of a server that has none. */
export function forwardTo(port: number): (socket: Socket) => void {
  return (socket) => {
    const onward = connect({ host: '127.0.0.1', port });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
    socket.on('close', () => onward.destroy());
    onward.on('close', () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  };
}
