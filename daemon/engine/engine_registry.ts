import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Logger } from '../../common/logger.js';
import type { CreateAliRTCEngineRequest } from '../../gen/alirtc/v1/engine.js';
import type { Clock } from '../clock.js';
import { invalidField, refusal } from '../refusals.js';
import type { ChannelServerChoice } from './channel_servers.js';
import { checkJsonObject, checkPortRange, checkRange } from './checks.js';
import type { HeartbeatOptions } from './core_heartbeat.js';
import { restartPolicy } from './core_restart_policy.js';
import type { RestartPolicy } from './core_restart_policy.js';
import type { StartEngineCore } from './engine_core.js';
import { EngineSession } from './engine_session.js';
import { engineLogPath, removeEmptyLogPath } from './log_path.js';
import type { WarmCores } from './warm_cores.js';

export interface EngineRegistryOptions {
  corePorts: { low: number; high: number };
  /** Where "builtin" lies. */
  builtinCoreService: string;
  /** The other core services that the operator allows. */
  coreServices: readonly string[];
  logRoot: string;
  maxEngines: number;
  /** Called before an engine is made; throws when the node takes none. */
  admit?: (engineId: string) => void;
  eventRing: number;
  eventRingBytes: number;
  keys: ReadonlyMap<string, string>;
  channelServers: ChannelServerChoice;
  startCore: StartEngineCore;
  /** Where the client of an engine does not say otherwise. */
  coreRestart: RestartPolicy;
  heartbeat: HeartbeatOptions;
  /** As in EngineSessionOptions. */
  laneFolder?: string;
  /** Of engines whose client does not say otherwise; 0: none. */
  leaseSeconds: number;
  /** Left out: no core is started ahead. */
  warmCores?: WarmCores;
  clock: Clock;
  logger: Logger;
}

const BUILTIN = 'builtin';
/** Of engines that ended: their events can still be read, for as many. */
const KEPT_ENDED = 16;
export const MAX_LEASE_SECONDS = 86_400;
const MAX_EXTRA_CHARACTERS = 65_536;
/** Of engines that ended: known to have existed, for as many. */
const KEPT_IDS = 1024;
/** RFC 4648 base32 in lower case. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_CHARACTERS = 12;

/** The engines of this daemon. */
export class EngineRegistry {
  readonly #options: EngineRegistryOptions;
  readonly #live = new Map<string, EngineSession>();
  readonly #ended = new Map<string, EngineSession>();
  readonly #endedIds = new Set<string>();
  readonly #creationListeners = new Set<(session: EngineSession) => void>();
  #closing = false;

  constructor(options: EngineRegistryOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#live.size;
  }

  /** Of core processes that are no engine's yet. */
  get warmProcessIds(): number[] {
    return this.#options.warmCores?.processIds ?? [];
  }

  list(): EngineSession[] {
    return [...this.#live.values()];
  }

  /** Called with every new engine before it starts. The returned function takes it back. */
  onCreated(listener: (session: EngineSession) => void): () => void {
    this.#creationListeners.add(listener);
    return () => this.#creationListeners.delete(listener);
  }

  /** Starts an engine. Throws INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE. */
  async create(request: CreateAliRTCEngineRequest): Promise<EngineSession> {
    if (this.#closing) throw daemonStops();
    const { maxEngines, corePorts, logRoot } = this.#options;
    const engineId = newEngineId();
    const ports = checkPortRange(request.lowPort, request.highPort, corePorts);
    if (request.extra.length > MAX_EXTRA_CHARACTERS)
      throw invalidField('extra', request.extra, `has more than ${MAX_EXTRA_CHARACTERS} characters`, {
        remedy: 'leave out what no core service reads',
      });
    const extra = checkJsonObject('extra', request.extra, true);
    const { servicePath, foreignCore } = this.#coreService(request.coreServicePath);
    const channelServers = this.#options.channelServers.of(request.channelServerUrl);
    const leaseSeconds = leaseOf(request, this.#options.leaseSeconds);
    const coreRestart = restartPolicy(request.coreRestart, this.#options.coreRestart);
    if (this.#live.size >= maxEngines)
      throw refusal('resource_exhausted', 'TOO_MANY_ENGINES', `this daemon runs at most ${maxEngines} engines`, {
        remedy: 'release one, or raise --max-engines',
        metadata: { limit: String(maxEngines), setting: 'max-engines' },
      });
    this.#options.admit?.(engineId);
    // Looked up before the first await: the folder exists when the session starts.
    const logPath = engineLogPath(logRoot, request.logPath, engineId);
    const session = new EngineSession({
      ...this.#options,
      engineId,
      servicePath,
      foreignCore,
      channelServers,
      lowPort: ports.low,
      highPort: ports.high,
      logPath,
      h5mode: request.h5mode,
      extra: JSON.stringify(extra),
      coreRestart,
      leaseSeconds,
    });
    this.#live.set(engineId, session);
    for (const listener of this.#creationListeners) listener(session);
    void session.done.then(() => {
      this.#bury(session);
      removeEmptyLogPath(logPath, engineId);
    });
    try {
      await session.start();
    } catch (error) {
      // Nobody knows its id.
      this.#ended.delete(engineId);
      if (this.#closing) throw daemonStops();
      // But for who lists the engines, and may release one that is still starting.
      const { kind } = await session.done;
      throw kind === 'requested' ? releasedEarly() : error;
    }
    return session;
  }

  isLive(engineId: string): boolean {
    return this.#live.has(engineId);
  }

  /** It lives, or is one of the last 1,024 that ended. */
  isKnown(engineId: string): boolean {
    return this.#live.has(engineId) || this.#endedIds.has(engineId);
  }

  /** A live engine. Throws NOT_FOUND, or UNAVAILABLE when it ended by itself. */
  get(engineId: string): EngineSession {
    const session = this.#live.get(engineId);
    if (session !== undefined) return session;
    const ended = this.#ended.get(engineId);
    if (ended?.endedByItself === true)
      throw refusal('unavailable', 'CORE_DIED', 'the engine has ended: its core process died', {
        field: 'engine_id',
        remedy: 'create a new engine; GetEventHandler still tells what happened',
      });
    throw noSuchEngine(engineId);
  }

  /** A live engine, or one that ended not long ago. */
  find(engineId: string): EngineSession {
    return this.#live.get(engineId) ?? this.#ended.get(engineId) ?? this.get(engineId);
  }

  /** Ends an engine. Releasing one that ended already succeeds. */
  async release(engineId: string): Promise<void> {
    const session = this.#live.get(engineId);
    if (session !== undefined) await session.close();
    else if (!this.#endedIds.has(engineId)) throw noSuchEngine(engineId);
  }

  /** Ends all engines, at the same time. New ones are refused from now on. */
  async closeAll(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.list().map((session) => session.close({ kind: 'owner_closed' })));
  }

  #coreService(wanted: string): { servicePath: string; foreignCore: boolean } {
    const { builtinCoreService, coreServices } = this.#options;
    if (wanted === '' || wanted === BUILTIN) return { servicePath: builtinCoreService, foreignCore: false };
    const servicePath = path.normalize(wanted);
    if (coreServices.includes(servicePath)) return { servicePath, foreignCore: servicePath !== builtinCoreService };
    throw refusal(
      'invalid_argument',
      'CORE_SERVICE_NOT_ALLOWED',
      'core_service_path: the operator has not allowed it',
      {
        field: 'core_service_path',
        value: wanted.slice(0, 80),
        remedy: 'leave it empty, or have the operator add it with --core-service',
      },
    );
  }

  #bury(session: EngineSession): void {
    this.#live.delete(session.engineId);
    this.#ended.set(session.engineId, session);
    this.#endedIds.add(session.engineId);
    dropOldest(this.#ended.keys(), this.#ended.size > KEPT_ENDED, (id) => this.#ended.delete(id));
    dropOldest(this.#endedIds.keys(), this.#endedIds.size > KEPT_IDS, (id) => this.#endedIds.delete(id));
  }
}

/** Throws INVALID_ARGUMENT. */
function leaseOf({ leaseSeconds, detached }: CreateAliRTCEngineRequest, usual: number): number {
  checkRange('lease_seconds', leaseSeconds, 0, MAX_LEASE_SECONDS);
  if (!detached) return leaseSeconds || usual;
  if (leaseSeconds === 0) return 0;
  throw invalidField('lease_seconds', leaseSeconds, 'a detached engine has no lease', {
    remedy: 'leave out lease_seconds, or detached',
  });
}

/** Short, and not to be guessed: 60 random bits. */
export function newEngineId(): string {
  const characters = [...randomBytes(ID_CHARACTERS)].map((byte) => BASE32[byte & 31]);
  return `eng_${characters.join('')}`;
}

function releasedEarly(): Error {
  return refusal('aborted', 'ENGINE_ENDED', 'the engine was released while it started', {
    remedy: 'create a new engine',
  });
}

function daemonStops(): Error {
  return refusal('unavailable', 'DAEMON_STOPS', 'the daemon stops', { remedy: 'ask another one, or later' });
}

/** What a call on an engine fails with that is not there. */
export function noSuchEngine(engineId: string): Error {
  return refusal('not_found', 'ENGINE_NOT_FOUND', 'no such engine, or it was released', {
    field: 'engine_id',
    value: engineId.slice(0, 80),
    remedy: 'create an engine, or see ListEngines for those there are',
  });
}

function dropOldest(keys: Iterator<string>, tooMany: boolean, drop: (key: string) => void): void {
  const oldest = keys.next();
  if (tooMany && oldest.done !== true) drop(oldest.value);
}
