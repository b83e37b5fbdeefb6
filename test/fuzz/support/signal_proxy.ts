import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';

/** What is sent on in place of one frame; a text frame where it is a string. */
export type Frames = readonly (Buffer | string)[];

export interface ProxyHooks {
  /** Of a client, for the server. */
  toServer?: (frame: Buffer) => Frames;
  /** Of the server, for a client. `first`: it is the answer to the join. */
  toClient?: (frame: Buffer, first: boolean) => Frames;
}

const AS_IS = (frame: Buffer): Frames => [frame];

/** A LiveKit server for its clients, which passes everything on to another one, and sees or changes it on the way. */
export class SignalProxy implements AsyncDisposable {
  readonly #upstream: URL;
  readonly #http: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #open = new Set<WebSocket>();
  hooks: ProxyHooks;

  private constructor(upstream: string, hooks: ProxyHooks) {
    this.#upstream = new URL(upstream);
    this.hooks = hooks;
    this.#http = createServer((request, response) => void this.#pass(request, response));
    this.#http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      this.#upgrade(request, socket, head);
    });
  }

  static async start(upstream: string, hooks: ProxyHooks = {}): Promise<SignalProxy> {
    const proxy = new SignalProxy(upstream, hooks);
    proxy.#http.listen(0, '127.0.0.1');
    await once(proxy.#http, 'listening');
    return proxy;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body: Buffer[] = [];
      for await (const chunk of request) body.push(chunk as Buffer);
      const url = `http://${this.#upstream.host}${request.url}`;
      const authorization = request.headers.authorization;
      const answer = await fetch(url, {
        method: request.method ?? 'GET',
        headers: authorization === undefined ? {} : { authorization },
        ...(body.length > 0 ? { body: Buffer.concat(body) } : {}),
        signal: AbortSignal.timeout(5000),
      });
      response.writeHead(answer.status, { 'access-control-allow-origin': '*' }).end(await answer.text());
    } catch {
      response.destroy();
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { authorization } = request.headers;
    const server = new WebSocket(`ws://${this.#upstream.host}${request.url}`, {
      perMessageDeflate: false,
      headers: authorization === undefined ? {} : { authorization },
    });
    const early: [Buffer, boolean][] = [];
    let isFirst = true;
    server.on('error', () => socket.destroy());
    server.on('unexpected-response', (upgrade, { statusCode = 500 }) => {
      socket.end(`HTTP/1.1 ${statusCode} refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      upgrade.destroy();
    });
    server.on('message', (data, isBinary) => early.push([data as Buffer, isBinary]));
    server.once('open', () => {
      this.#sockets.handleUpgrade(request, socket, head, (client) => {
        this.#join(client, server);
        const toClient = (data: Buffer, isBinary: boolean): void => {
          if (!isBinary) return client.send(data.toString());
          const frames = (this.hooks.toClient ?? AS_IS)(data, isFirst);
          isFirst = false;
          for (const frame of frames) if (client.readyState === WebSocket.OPEN) client.send(frame);
        };
        server.removeAllListeners('message');
        for (const [data, isBinary] of early) toClient(data, isBinary);
        server.on('message', (data, isBinary) => toClient(data as Buffer, isBinary));
      });
    });
  }

  #join(client: WebSocket, server: WebSocket): void {
    client.on('message', (data) => {
      for (const frame of (this.hooks.toServer ?? AS_IS)(data as Buffer))
        if (server.readyState === WebSocket.OPEN) server.send(frame);
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#open.add(socket);
      socket.on('error', () => other.terminate());
      socket.on('close', () => {
        this.#open.delete(socket);
        if (other.readyState === WebSocket.OPEN) other.close();
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#http, 'close');
    this.#http.close();
    for (const socket of this.#open) socket.terminate();
    this.#http.closeAllConnections();
    await closed;
  }
}
