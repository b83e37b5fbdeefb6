import { rmSync } from 'node:fs';
import path from 'node:path';
import type { Server } from '@grpc/grpc-js';
import { messageOf } from '../common/errors.js';
import { Lifecycle } from '../common/lifecycle.js';
import type { Logger } from '../common/logger.js';
import { ClientLimits } from './api/client_limits.js';
import { createApi } from './api/server.js';
import { shutDown } from './api/shut_down.js';
import { systemClock } from './clock.js';
import { mergeReloadable } from './config/config_changes.js';
import type { ConfigChange } from './config/config_changes.js';
import type { ConfigInForce } from './config/config_in_force.js';
import { LogLevel } from './config/log_level.js';
import type { Config } from './config/schema.js';
import { ChannelServerChoice } from './engine/channel_servers.js';
import type { ChannelServers } from './engine/channel_servers.js';
import { EngineRegistry } from './engine/engine_registry.js';
import { createCoreStarter } from './engine/core_starter.js';
import type { CoreStarterOptions } from './engine/core_starter.js';
import { coreStarterOptions } from './engine/core_starter_options.js';
import type { CoreSurroundings } from './engine/core_surroundings.js';
import { makeLogRoot } from './engine/log_path.js';
import { registryOptions } from './engine/registry_options.js';
import { WarmCores } from './engine/warm_cores.js';
import { DaemonHttp } from './http/daemon_http.js';
import { FrameLanes } from '../common/frame_lanes.js';
import { AppKeys } from './node/app_keys.js';
import { Callers } from './node/callers.js';
import { ChannelServerChild } from './node/channel_server_child.js';
import { EngineLogLevels } from './node/engine_log_levels.js';
import type { Health } from './node/health.js';
import type { LogRing } from './node/log_ring.js';
import { OpenListeners } from './node/open_listeners.js';
import { NodeOperations } from './node/node_operations.js';
import { readProcessStatus } from './node/process_status.js';
import { makeRunFolder } from './run_folder.js';

export interface DaemonOptions {
  config: Config;
  version: string;
  /** The folder that holds alirtc/v1/*.proto. */
  protoRoot: string;
  /** The folder of the built console. */
  consoleFolder: string;
  logger: Logger;
  /** What the logger writes. */
  logs: LogRing;
  /** Where the settings were said. */
  settings: ConfigInForce;
  /** Called once, when the daemon begins to close. */
  onClosing?: () => void;
}

/** How long streams and calls may take to end by themselves once every engine has ended. */
const SHUTDOWN_MS = 3_000;

/** The whole daemon: keys, channel server, engines, API, listeners; closed youngest first. */
export class Daemon extends Lifecycle {
  readonly #options: DaemonOptions;
  readonly #logLevel: LogLevel;
  #config: Config;
  #keys: AppKeys | undefined;
  #callers: Callers | undefined;
  #runFolder: string | undefined;
  #surroundings: CoreSurroundings | undefined;
  #channelServer: ChannelServerChild | undefined;
  #registry: EngineRegistry | undefined;
  #warmCores: WarmCores | undefined;
  #server: Server | undefined;
  #operations: NodeOperations | undefined;
  #health: Health | undefined;
  #lanes: FrameLanes | undefined;
  #http: DaemonHttp | undefined;
  readonly #listeners: OpenListeners;
  #hurried = false;

  constructor(options: DaemonOptions) {
    super();
    this.#options = options;
    this.#config = options.config;
    this.#logLevel = new LogLevel(options.logger);
    this.#listeners = new OpenListeners(options.logger);
  }

  /** The first of them, for people and for tokens of LiveKit SDKs. */
  get channelServerUrl(): string | undefined {
    return this.#channelServers().urls[0];
  }

  /** The real addresses. */
  get listening(): string[] {
    return this.#listeners.addresses;
  }

  /** Where metrics and health are; undefined: the HTTP port is off. */
  get httpUrl(): string | undefined {
    return this.#http?.url;
  }

  /** Where the console is; undefined: it is off. */
  get consoleUrl(): string | undefined {
    return this.#http?.consoleUrl;
  }

  protected override async onStart(): Promise<void> {
    const { config, logger } = this.#options;
    const runFolder = makeRunFolder();
    this.#runFolder = runFolder;
    makeLogRoot(config['log-root']);
    this.#keys = new AppKeys(config.keys, runFolder, logger);
    const { keys, file } = this.#keys;
    const core = await coreStarterOptions(config, logger);
    this.#surroundings = core.surroundings;
    if (config['channel-server-url'].length === 0) await this.#startChannelServer(file);
    await this.#startWarmCores(path.join(runFolder, 'warm'), core);
    const registry = new EngineRegistry(
      registryOptions(config, () => this.#config, {
        admit: (engineId) => this.#operations?.admitEngine(engineId),
        keys,
        channelServers: new ChannelServerChoice({
          usual: () => this.#channelServers(),
          allowed: config['channel-server-allowed'],
        }),
        startCore: createCoreStarter({ ...core, warm: this.#warmCores }),
        laneFolder: runFolder,
        ...(this.#warmCores === undefined ? {} : { warmCores: this.#warmCores }),
        clock: systemClock,
        logger,
      }),
    );
    this.#registry = registry;
    const operations = new NodeOperations({
      config,
      now: () => this.#config,
      version: this.#options.version,
      registry,
      channelServerPid: () => this.#channelServer?.pid,
      health: () => this.#health,
      readProcess: readProcessStatus,
      clock: systemClock,
      logger,
    });
    void operations.drain.over.then(() => this.close());
    this.#operations = operations;
    await operations.start();
    this.#lanes = new FrameLanes(path.join(runFolder, 'frames.sock'), logger);
    await this.#lanes.start();
    await this.#serve(registry, keys, operations, this.#lanes);
    await this.#serveHttp(registry, keys, operations);
  }

  protected override async onClose(): Promise<void> {
    this.#options.onClosing?.();
    this.#health?.set(false);
    await Promise.all([this.#registry?.closeAll(), this.#warmCores?.close({ kind: 'owner_closed' })]);
    await this.#http?.close({ kind: 'owner_closed' });
    this.#options.logs.end();
    if (this.#server !== undefined) await shutDown(this.#server, this.#hurried ? 0 : SHUTDOWN_MS);
    this.#listeners.close();
    await this.#lanes?.close({ kind: 'owner_closed' });
    await this.#operations?.close({ kind: 'owner_closed' });
    await this.#channelServer?.close({ kind: 'owner_closed' });
    this.#surroundings?.close();
    if (this.#runFolder !== undefined) rmSync(this.#runFolder, { recursive: true, force: true });
  }

  protected override onCloseError(error: unknown): void {
    this.#options.logger.error({ err: error }, 'the daemon could not be closed in order');
  }

  /** Takes over what can be, of other settings and of the files that they name; says of each setting that differs whether it did. */
  reload(next: Config): ConfigChange[] {
    const { logger } = this.#options;
    const { config, changes } = mergeReloadable(this.#config, next);
    this.#config = config;
    this.#logLevel.set(config['log-level']);
    for (const { setting, from, to, taken } of changes)
      logger.info({ setting, from, to }, taken ? 'setting taken' : 'setting needs a restart');
    this.#reread('keys', () => this.#rereadKeys());
    this.#reread('tokens', () => this.#callers?.reload());
    this.#listeners.rereadCertificates();
    return changes;
  }

  #rereadKeys(): void {
    if (this.#keys?.reload() === true) this.#channelServer?.rereadKeys();
  }

  /** A file that is wrong leaves what was read before. */
  #reread(what: string, read: () => void): void {
    const { logger } = this.#options;
    try {
      read();
    } catch (error) {
      logger.error({ file: what, reason: messageOf(error) }, 'file not taken: the old content counts on');
    }
  }

  /** Ends the daemon in order, at once or after the time that engines are given. Gives that time in seconds. */
  drain(reason: string): number {
    const seconds = this.state === 'ready' ? this.#config['drain-seconds'] : 0;
    if (seconds === 0 || this.#operations === undefined) void this.close();
    else this.#operations.drain.begin(seconds * 1000, reason);
    return seconds;
  }

  /** Called while closing: nobody is asked or waited for any more. */
  hurry(): void {
    this.#hurried = true;
    for (const { coreProcessId } of this.#registry?.list() ?? []) if (coreProcessId > 0) killQuietly(coreProcessId);
    this.#warmCores?.processIds.forEach(killQuietly);
    this.#channelServer?.kill();
    this.#server?.forceShutdown();
  }

  #channelServers(): ChannelServers {
    const embedded = this.#channelServer?.url;
    if (embedded !== undefined) return { urls: [embedded], embedded: true };
    return { urls: this.#options.config['channel-server-url'], embedded: false };
  }

  async #startWarmCores(workRoot: string, core: CoreStarterOptions): Promise<void> {
    const { config } = this.#options;
    if (config['warm-cores'] === 0) return;
    this.#warmCores = new WarmCores({
      ...core,
      count: config['warm-cores'],
      servicePath: config['builtin-core-service'],
      ports: { low: config['core-port-low'], high: config['core-port-high'] },
      workRoot,
      clock: systemClock,
    });
    await this.#warmCores.start();
  }

  async #startChannelServer(keysFile: string): Promise<void> {
    const { config, logger } = this.#options;
    this.#channelServer = new ChannelServerChild({ path: config['builtin-channel-server'], keysFile, logger });
    await this.#channelServer.start();
  }

  async #serve(
    registry: EngineRegistry,
    keys: ReadonlyMap<string, string>,
    operations: NodeOperations,
    lanes: FrameLanes,
  ): Promise<void> {
    const { config, version, protoRoot, logger, logs, settings } = this.#options;
    this.#callers = new Callers(config);
    const { server, health } = createApi({
      registry,
      keys,
      version,
      protoRoot,
      callObservers: operations.callObservers,
      callers: this.#callers,
      limits: new ClientLimits(() => this.#config, systemClock),
      lanes,
      maxMessageBytes: config['max-message-bytes'],
      drain: operations.drain,
      admission: operations.admission,
      meter: operations.meter,
      limitSettings: () => this.#config,
      logs,
      settings,
      logLevels: new EngineLogLevels(this.#logLevel, logger),
      logger,
      startedAtUs: Date.now() * 1000,
      channelServerUrl: () => this.channelServerUrl,
      channelServerPid: () => this.#channelServer?.pid,
    });
    this.#server = server;
    this.#health = health;
    await this.#listeners.open(server, config);
    health.set(true);
  }

  async #serveHttp(
    registry: EngineRegistry,
    keys: ReadonlyMap<string, string>,
    operations: NodeOperations,
  ): Promise<void> {
    const { config, version, consoleFolder, logger } = this.#options;
    this.#http = new DaemonHttp({
      config,
      now: () => this.#config,
      registry,
      keys,
      version,
      consoleFolder,
      logger,
      routes: operations.routes,
      startedAtMs: Date.now(),
      channelServerUrl: () => this.channelServerUrl,
      channelServerPid: () => this.#channelServer?.pid,
      readProcess: readProcessStatus,
      clock: systemClock,
    });
    await this.#http.start();
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}
