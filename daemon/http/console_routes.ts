import type { HistoryView } from '../../common/console_api.js';
import type { Logger } from '../../common/logger.js';
import type { Clock } from '../clock.js';
import { checkRemoteUser } from '../engine/checks.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import { invalidField, refusal } from '../refusals.js';
import { consoleFiles } from './console_files.js';
import { consoleToken } from './console_tokens.js';
import { SAMPLE_INTERVAL_MS } from './engine_watch.js';
import type { EngineWatch } from './engine_watch.js';
import type { Exchange } from './exchange.js';
import type { NodeMonitor } from './node_monitor.js';
import type { Previews, PreviewTrack } from './previews.js';
import type { Route } from './routes.js';
import { streamRoutes } from './stream_routes.js';

export interface ConsoleRoutesOptions {
  monitor: NodeMonitor;
  previews: Previews;
  registry: EngineRegistry;
  keys: ReadonlyMap<string, string>;
  channelServerUrl: () => string | undefined;
  /** The folder of the built console. */
  folder: string;
  access: 'read' | 'control';
  tokens: boolean;
  clock: Clock;
  logger: Logger;
}

/** Everything the console consists of and asks for. */
export function consoleRoutes(options: ConsoleRoutesOptions): Route[] {
  const { monitor, registry, clock, folder } = options;
  return [
    ...consoleFiles(folder),
    { method: 'GET', path: '/api/v1/node', handle: (exchange) => exchange.json(monitor.node) },
    { method: 'GET', path: '/api/v1/engines', handle: (exchange) => exchange.json({ engines: monitor.engines }) },
    {
      method: 'GET',
      path: '/api/v1/engines/:id',
      handle: (exchange) => exchange.json(watchOf(monitor, exchange).view()),
    },
    {
      method: 'GET',
      path: '/api/v1/engines/:id/history',
      handle: (exchange) => {
        const { session, samples } = watchOf(monitor, exchange);
        const history: HistoryView = {
          engineId: session.engineId,
          intervalMs: SAMPLE_INTERVAL_MS,
          samples: [...samples],
        };
        exchange.json(history);
      },
    },
    { method: 'GET', path: '/api/v1/engines/:id/preview', handle: (exchange) => sendPreview(exchange, options) },
    ...streamRoutes(monitor, registry, clock),
    ...changingRoutes(options),
  ];
}

/** What the operator has to allow. */
function changingRoutes(options: ConsoleRoutesOptions): Route[] {
  const { registry, access, tokens, keys, channelServerUrl, clock, logger } = options;
  const control = (act: (engineId: string, signal: AbortSignal) => Promise<unknown>, what: string) => {
    return async (exchange: Exchange): Promise<void> => {
      if (access !== 'control')
        throw notAllowed('READ_ONLY', 'this console is read-only', 'have the operator set --console control');
      const engineId = exchange.param('id');
      await act(engineId, exchange.signal);
      logger.info({ engineId }, `${what} by way of the console`);
      exchange.json({});
    };
  };
  const release = control((engineId) => registry.release(engineId), 'released');
  const leave = control(
    (engineId, signal) => registry.get(engineId).channel.leave({ engineId, wait: true }, signal),
    'left its channel',
  );
  return [
    { method: 'DELETE', path: '/api/v1/engines/:id', handle: release },
    { method: 'POST', path: '/api/v1/engines/:id/leave', handle: leave },
    {
      method: 'POST',
      path: '/api/v1/tokens',
      handle: async (exchange) => {
        if (!tokens)
          throw notAllowed(
            'NO_TOKENS',
            'this console gives no channel tokens',
            'have the operator set --console-tokens on',
          );
        const answer = await consoleToken(await exchange.body(), {
          keys,
          channelServerUrl: (channel) => serverOf(channel, registry, channelServerUrl()),
          nowMs: () => clock.nowMs(),
          isEngine: (channel, userId) =>
            registry.list().some(({ model }) => model.channel === channel && model.userId === userId),
        });
        exchange.json(answer);
      },
    },
  ];
}

/** Where the engines of a channel are: a person who joined elsewhere would be alone. Undefined: there is none, nor a usual one. */
function serverOf(channel: string, registry: EngineRegistry, usual: string | undefined): string | undefined {
  const urls = registry
    .list()
    .filter(({ model }) => model.channel === channel)
    .flatMap(({ channelServers }) => channelServers().urls[0] ?? []);
  return usual !== undefined && urls.includes(usual) ? usual : (urls[0] ?? usual);
}

async function sendPreview(exchange: Exchange, { registry, previews }: ConsoleRoutesOptions): Promise<void> {
  const engine = registry.get(exchange.param('id'));
  const uid = checkRemoteUser('uid', exchange.query.get('uid') ?? '');
  const track = exchange.query.get('track') ?? 'camera';
  if (!isTrack(track)) throw invalidField('track', track, 'has to be camera or screen', { remedy: 'give one of them' });
  const { jpeg, captureTimeUs } = await previews.picture(engine, uid, track);
  exchange.send(200, 'image/jpeg', jpeg, { 'x-capture-time-ms': String(Math.floor(captureTimeUs / 1000)) });
}

function isTrack(text: string): text is PreviewTrack {
  return text === 'camera' || text === 'screen';
}

function watchOf(monitor: NodeMonitor, exchange: Exchange): EngineWatch {
  const engineId = exchange.param('id');
  const watch = monitor.watch(engineId);
  if (watch !== undefined) return watch;
  throw refusal('not_found', 'ENGINE_NOT_FOUND', 'no such engine, or it ended some time ago', {
    field: 'engine_id',
    value: engineId.slice(0, 80),
    remedy: 'look at the list of engines',
  });
}

function notAllowed(reason: string, message: string, remedy: string): Error {
  return refusal('permission_denied', reason, message, { remedy });
}
