import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Lifecycle } from '../../common/lifecycle.js';
import type { Logger } from '../../common/logger.js';
import { answerOf } from './errors.js';
import { Exchange } from './exchange.js';
import { formatHttpAddress } from './http_address.js';
import type { HttpAddress } from './http_address.js';
import { checkHost, checkSameSite, parseTarget } from './request_checks.js';
import { findRoute } from './routes.js';
import type { Route } from './routes.js';
import { setSecurityHeaders } from './security_headers.js';

export interface HttpServerOptions {
  address: HttpAddress;
  /** True: when the port is taken, another one is used, with a warning. For an address that nobody asked for. */
  anyPort: boolean;
  /** Further names under which the page may be opened. */
  hosts: readonly string[];
  routes: readonly Route[];
  /** For the Content-Security-Policy. */
  channelServerUrls: () => readonly string[];
  logger: Logger;
}

/** A request's headers have to be there by then, all of it a little later: who sends a byte at a time is cut off. */
const HEADERS_TIMEOUT_MS = 8_000;
const REQUEST_TIMEOUT_MS = 12_000;
const CHECK_INTERVAL_MS = 1_000;
const KEEP_ALIVE_MS = 5_000;
const MAX_HEADER_BYTES = 8 * 1024;
const MAX_CONNECTIONS = 256;
/** How long answers may take to end when the server closes. */
const CLOSE_MS = 1_000;

/** The daemon's one HTTP server: a table of routes behind the checks that all of them need. */
export class HttpServer extends Lifecycle {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #hosts: ReadonlySet<string>;
  #port = 0;

  constructor(options: HttpServerOptions) {
    super();
    this.#options = options;
    this.#hosts = new Set(
      ['localhost', '127.0.0.1', '::1', options.address.host, ...options.hosts].map((host) => host.toLowerCase()),
    );
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: CHECK_INTERVAL_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
      },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.maxHeadersCount = 100;
    this.#server.on('upgrade', (_request, socket) => socket.destroy());
    // What listening itself fails with is start()'s to tell.
    this.#server.on('error', (error) => {
      if (this.#server.listening) options.logger.error({ err: error }, 'the HTTP server');
    });
  }

  /** http://127.0.0.1:7421, from start() on. */
  get url(): string {
    return `http://${formatHttpAddress({ ...this.#options.address, port: this.#port })}`;
  }

  protected override async onStart(): Promise<void> {
    const { address, anyPort, logger } = this.#options;
    try {
      this.#port = await this.#listen(address);
    } catch (error) {
      if (!anyPort || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE')
        throw new Error(`cannot listen on http ${formatHttpAddress(address)}: ${(error as Error).message}`, {
          cause: error,
        });
      this.#port = await this.#listen({ ...address, port: 0 });
      logger.warn({ taken: address.port, port: this.#port }, 'the HTTP port is taken; another one is used');
    }
  }

  protected override async onClose(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#server.closeAllConnections(), CLOSE_MS);
    await closed;
    clearTimeout(timer);
  }

  #listen({ host, port }: HttpAddress): Promise<number> {
    return new Promise((resolve, reject) => {
      const onError = (error: Error): void => reject(error);
      this.#server.once('error', onError);
      this.#server.listen({ host, port, exclusive: true }, () => {
        this.#server.off('error', onError);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { logger, routes, channelServerUrls } = this.#options;
    // Viewers that vanish are no errors.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    let exchange = new Exchange(request, response, {}, new URLSearchParams());
    try {
      setSecurityHeaders(response, channelServerUrls());
      checkHost(request.headers.host, this.#hosts);
      const { path, query } = parseTarget(request.url ?? '');
      const { route, params } = findRoute(routes, request.method ?? '', path);
      if (route.method !== 'GET') checkSameSite(request);
      exchange = new Exchange(request, response, params, query);
      await route.handle(exchange);
    } catch (error) {
      const { status, body } = answerOf(error, logger);
      // What was not read of a body would be taken for the next request.
      if (!request.complete) response.setHeader('connection', 'close');
      exchange.json(body, status);
    }
  }
}
