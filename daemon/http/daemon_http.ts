import { Lifecycle } from '../../common/lifecycle.js';
import type { Logger } from '../../common/logger.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/schema.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import { consoleRoutes } from './console_routes.js';
import type { HttpAddress } from './http_address.js';
import { HttpServer } from './http_server.js';
import { NodeMonitor } from './node_monitor.js';
import { Previews } from './previews.js';
import type { ReadProcess } from './process_reader.js';
import type { Route } from './routes.js';

export interface DaemonHttpOptions {
  config: Config;
  /** The settings as they count now: some can be reloaded. */
  now: () => Config;
  registry: EngineRegistry;
  keys: ReadonlyMap<string, string>;
  version: string;
  startedAtMs: number;
  /** Of the built console. */
  consoleFolder: string;
  channelServerUrl: () => string | undefined;
  channelServerPid: () => number | undefined;
  readProcess: ReadProcess;
  /** Beside the console's own. */
  routes?: readonly Route[];
  clock: Clock;
  logger: Logger;
}

/** Used when the operator says nothing; another one when it is taken. */
export const DEFAULT_ADDRESS: HttpAddress = { host: '127.0.0.1', port: 7421 };

/** The daemon's HTTP side: the server, and the console when it is on. */
export class DaemonHttp extends Lifecycle {
  readonly #options: DaemonHttpOptions;
  #monitor: NodeMonitor | undefined;
  #previews: Previews | undefined;
  #server: HttpServer | undefined;

  constructor(options: DaemonHttpOptions) {
    super();
    this.#options = options;
  }

  /** http://127.0.0.1:7421; undefined: the port is off. */
  get url(): string | undefined {
    return this.#server?.url;
  }

  /** Where the console is; undefined: it is off. */
  get consoleUrl(): string | undefined {
    return this.#monitor === undefined || this.#server === undefined ? undefined : `${this.#server.url}/`;
  }

  protected override async onStart(): Promise<void> {
    const { config, channelServerUrl, logger, routes = [] } = this.#options;
    const address = config['http-listen'];
    if (address === 'off') return;
    this.#server = new HttpServer({
      address: address ?? DEFAULT_ADDRESS,
      anyPort: address === undefined,
      hosts: config['http-host'],
      routes: [...routes, ...(await this.#startConsole())],
      // A client may name any of these for an engine, and the page joins where engines are.
      channelServerUrls: () => [
        ...[channelServerUrl() ?? []].flat(),
        ...config['channel-server-url'],
        ...config['channel-server-allowed'],
      ],
      logger,
    });
    await this.#server.start();
  }

  protected override async onClose(): Promise<void> {
    this.#previews?.close();
    // Streams end with a reason before the server waits for them.
    await this.#monitor?.close({ kind: 'owner_closed' });
    await this.#server?.close({ kind: 'owner_closed' });
  }

  async #startConsole(): Promise<Route[]> {
    const { config, now, consoleFolder: folder, startedAtMs, ...shared } = this.#options;
    const access = config.console;
    if (access === 'off') return [];
    const tokens = config['console-tokens'];
    const maxEngines = (): number => now()['max-engines'];
    this.#monitor = new NodeMonitor({ ...shared, startedAtMs, maxEngines, access, tokens });
    await this.#monitor.start();
    this.#previews = new Previews(shared.clock);
    return consoleRoutes({ ...shared, monitor: this.#monitor, previews: this.#previews, folder, access, tokens });
  }
}
