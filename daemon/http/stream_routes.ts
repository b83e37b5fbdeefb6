import type { Clock } from '../clock.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import { AlirtcError } from '../../common/errors.js';
import { invalidField, refusal } from '../refusals.js';
import type { Exchange } from './exchange.js';
import { eventView } from './event_view.js';
import type { NodeMonitor } from './node_monitor.js';
import type { Route } from './routes.js';
import { SseWriter } from './sse_writer.js';

export const MAX_STREAMS = 64;
const MOST_PAST_EVENTS = 1000;

/** The two live streams: what changes on this node, and every callback of one engine. */
export function streamRoutes(monitor: NodeMonitor, registry: EngineRegistry, clock: Clock): Route[] {
  let open = 0;
  const stream = (run: (exchange: Exchange) => Promise<void>) => async (exchange: Exchange) => {
    if (open >= MAX_STREAMS)
      throw refusal('resource_exhausted', 'TOO_MANY_VIEWERS', `${MAX_STREAMS} live streams are open`, {
        remedy: 'close another page of the console',
      });
    open += 1;
    try {
      await run(exchange);
    } finally {
      open -= 1;
    }
  };
  return [
    { method: 'GET', path: '/api/v1/stream', handle: stream((exchange) => sendFeed(exchange, monitor, clock)) },
    {
      method: 'GET',
      path: '/api/v1/engines/:id/events',
      handle: stream((exchange) => sendEvents(exchange, registry, clock)),
    },
  ];
}

async function sendFeed(exchange: Exchange, monitor: NodeMonitor, clock: Clock): Promise<void> {
  const { feed } = monitor;
  const removeReader = monitor.addReader();
  try {
    const from = feed.resume(lastEventId(exchange));
    const writer = new SseWriter(exchange.response, clock);
    let next = from ?? (await sendSnapshot(writer, monitor));
    while (next !== undefined && !exchange.signal.aborted) {
      await feed.moreThan(next, exchange.signal);
      if (feed.closed && next >= feed.next) return writer.end(DAEMON_STOPS);
      if (next >= feed.next) continue;
      const entry = feed.at(next);
      if (entry === undefined)
        return writer.end({ reason: 'TOO_SLOW', message: 'too much has happened meanwhile: open the stream again' });
      if (!(await writer.write(entry.event, entry.json, feed.idOf(next)))) return;
      next += 1;
    }
  } finally {
    removeReader();
  }
}

/** The number of the next change; undefined: the reader is gone. */
async function sendSnapshot(writer: SseWriter, monitor: NodeMonitor): Promise<number | undefined> {
  const { snapshot, next } = monitor.snapshot();
  const written = await writer.write('snapshot', JSON.stringify(snapshot), monitor.feed.idOf(next - 1));
  return written ? next : undefined;
}

const DAEMON_STOPS = { reason: 'DAEMON_STOPS', message: 'the daemon stops' };

async function sendEvents(exchange: Exchange, registry: EngineRegistry, clock: Clock): Promise<void> {
  const engine = registry.find(exchange.param('id'));
  const reader = engine.openEvents(firstEvent(exchange, engine.log));
  const writer = new SseWriter(exchange.response, clock);
  try {
    // The first one is the engine's snapshot, which the node's feed tells better.
    await reader.next(exchange.signal);
    for (;;) {
      const message = await reader.next(exchange.signal);
      if (message === undefined) break;
      const view = eventView(engine.engineId, message);
      if (!(await writer.write('event', JSON.stringify(view), String(message.sequence)))) return;
    }
    writer.end({ reason: 'ENGINE_ENDED', message: 'the engine has ended' });
  } catch (error) {
    if (!(error instanceof AlirtcError)) throw error;
    writer.end({ reason: error.reason, message: error.message });
  } finally {
    reader.close();
  }
}

/** After the one that a browser saw last, else so many of the past ("last"). */
function firstEvent(exchange: Exchange, log: { oldest: number; next: number }): number {
  const seen = lastEventId(exchange);
  if (seen !== '') {
    const sequence = wholeNumber('last-event-id', seen, Number.MAX_SAFE_INTEGER - 1);
    return Math.max(log.oldest, Math.min(sequence + 1, log.next));
  }
  const last = wholeNumber('last', exchange.query.get('last') ?? '200', MOST_PAST_EVENTS);
  return Math.max(log.oldest, log.next - last);
}

function lastEventId({ request }: Exchange): string {
  return String(request.headers['last-event-id'] ?? '').slice(0, 64);
}

function wholeNumber(field: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && value <= most) return value;
  throw invalidField(field, text, `has to be 0 to ${most}`, { remedy: 'give a whole number' });
}
