import { status } from '@grpc/grpc-js';
import type { Metadata } from '@grpc/grpc-js';
import type { Span } from '@opentelemetry/api';
import { EngineState } from '../../gen/alirtc/v1/events.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import type { EngineSession } from '../engine/engine_session.js';
import type { CallObserver } from './call_observer.js';
import { isServerError } from './server_errors.js';

export interface TracesOptions {
  /** Of an OTLP/HTTP receiver: http://host:4318, or with the path to post to. */
  endpoint: string;
  version: string;
  registry: Pick<EngineRegistry, 'onCreated'>;
}

export interface Traces {
  /** A span for each unary call of ours. */
  calls: CallObserver;
  /** Sends what is left. Bounded. */
  close(): Promise<void>;
}

const EXPORT_MS = 2_000;
const BATCH_MS = 1_000;

/**
 * Traces by OpenTelemetry: one span for each unary call, one for each creation of an engine and each join, inside the call that asked for it; never one for a frame. The
 * context of W3C Trace Context is taken from the call's metadata. The packages are loaded here and nowhere else: a daemon without traces does without them.
 */
export async function startTraces({ endpoint, version, registry }: TracesOptions): Promise<Traces> {
  const [api, { W3CTraceContextPropagator }, { resourceFromAttributes }, sdk, { OTLPTraceExporter }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/core'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ]);
  const { context, propagation, SpanKind, SpanStatusCode, trace } = api;
  const exporter = new OTLPTraceExporter({ url: postUrl(endpoint), timeoutMillis: EXPORT_MS });
  const provider = new sdk.NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'alirtcd', 'service.version': version }),
    spanProcessors: [
      new sdk.BatchSpanProcessor(exporter, { scheduledDelayMillis: BATCH_MS, exportTimeoutMillis: EXPORT_MS }),
    ],
  });
  provider.register({ propagator: new W3CTraceContextPropagator() });
  const tracer = provider.getTracer('alirtcd', version);
  const getter = {
    get: (metadata: Metadata, key: string) => metadata.get(key).map(String)[0],
    keys: (metadata: Metadata) => Object.keys(metadata.getMap()),
  };

  const calls: CallObserver = ({ method, isUnary, metadata }) => {
    if (!isUnary || !method.startsWith('alirtc.')) return undefined;
    const parent = propagation.extract(api.ROOT_CONTEXT, metadata, getter);
    const attributes = { 'rpc.system.name': 'grpc', 'rpc.method': method };
    const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
    const inside = trace.setSpan(parent, span);
    return {
      enter: (run) => context.with(inside, run),
      firstMessage: (message) => {
        const { engineId } = message as { engineId?: unknown };
        if (typeof engineId === 'string' && engineId !== '') span.setAttribute('alirtc.engine.id', engineId);
      },
      ended: ({ code }) => {
        const name = status[code] ?? String(code);
        span.setAttribute('rpc.response.status_code', name);
        if (isServerError(code)) span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', name);
        span.end();
      },
    };
  };

  const stopFollowing = registry.onCreated((session) => follow(session));
  const follow = (session: EngineSession): void => {
    const begin = (name: string): Span =>
      tracer.startSpan(name, { attributes: { 'alirtc.engine.id': session.engineId } }, context.active());
    let creating: Span | undefined = begin('engine create');
    let joining: Span | undefined;
    session.log.onAppend(({ event }) => {
      if (event.$case === 'engineStateChanged' && event.value.newState === EngineState.READY) {
        creating?.end();
        creating = undefined;
      } else if (event.$case === 'engineStateChanged' && event.value.newState === EngineState.JOINING) {
        joining = begin('channel join');
      } else if (event.$case === 'onJoinChannelResult') {
        const { channel, result, text } = event.value;
        joining?.setAttributes({ 'alirtc.channel': channel, 'alirtc.result': result });
        if (result !== 0) joining?.setStatus({ code: SpanStatusCode.ERROR, message: text });
        joining?.end();
        joining = undefined;
      } else if (event.$case === 'ended')
        for (const open of [creating, joining])
          open?.setStatus({ code: SpanStatusCode.ERROR, message: event.value.detail }).end();
    });
  };

  return {
    calls,
    close: async () => {
      stopFollowing();
      await Promise.race([
        provider.shutdown().catch(() => undefined),
        new Promise((resolve) => setTimeout(resolve, EXPORT_MS).unref()),
      ]);
      context.disable();
      propagation.disable();
      trace.disable();
    },
  };
}

/** OTLP/HTTP's own path when the address has none. */
function postUrl(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url.href;
}
