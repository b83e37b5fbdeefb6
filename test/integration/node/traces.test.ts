import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Metadata } from '@grpc/grpc-js';
import { OnRemoteVideoSampleRequest } from '../../../gen/alirtc/v1/media.js';
import { eventually } from '../../support/eventually.js';
import { rpc } from '../../support/rpc.js';
import { Scene } from '../daemon/scene.js';

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes: { key: string; value: { stringValue?: string } }[];
}

/** Takes OTLP/HTTP as JSON, as far as traces go. */
class TraceReceiver {
  readonly spans: Span[] = [];
  readonly paths = new Set<string>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.paths.add(request.url ?? '');
        const body = JSON.parse(Buffer.concat(chunks).toString()) as {
          resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
        };
        for (const { scopeSpans } of body.resourceSpans) for (const { spans } of scopeSpans) this.spans.push(...spans);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  named(name: string): Span[] {
    return this.spans.filter((span) => span.name === name);
  }
}

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

describe('traces', function () {
  this.timeout(60_000);

  it('have a span for each unary call and life-cycle step, in the trace of the caller, and none for frames', async () => {
    const receiver = new TraceReceiver();
    const endpoint = await receiver.start();
    const scene = await Scene.start({ flags: ['--traces-endpoint', endpoint] });
    try {
      const { engineId } = await scene.joined('traced');
      const call = scene.daemon.media.onRemoteVideoSample(OnRemoteVideoSampleRequest.fromPartial({ engineId }));
      call.on('error', () => undefined).resume();
      const metadata = new Metadata();
      metadata.set('traceparent', `00-${TRACE}-${PARENT}-01`);
      await rpc((done) => scene.daemon.engines.getEngine({ engineId }, metadata, done));
      call.cancel();
      await eventually(() =>
        receiver.named('alirtc.v1.EngineService/GetEngine').length > 0 ? undefined : 'the span has not come',
      );
      const [get] = receiver.named('alirtc.v1.EngineService/GetEngine');
      assert.deepEqual([get?.traceId, get?.parentSpanId], [TRACE, PARENT]);
      const [create] = receiver.named('alirtc.v1.EngineService/CreateAliRTCEngine');
      const [made] = receiver.named('engine create');
      assert.deepEqual([made?.traceId, made?.parentSpanId], [create?.traceId, create?.spanId]);
      const [join] = receiver.named('alirtc.v1.EngineService/JoinChannel');
      const [joined] = receiver.named('channel join');
      assert.deepEqual([joined?.traceId, joined?.parentSpanId], [join?.traceId, join?.spanId]);
      const attribute = (span: Span | undefined, key: string) =>
        span?.attributes.find((one) => one.key === key)?.value.stringValue;
      assert.equal(attribute(joined, 'alirtc.channel'), 'room');
      assert.equal(attribute(get, 'rpc.response.status_code'), 'OK');
      assert.equal(attribute(get, 'alirtc.engine.id'), engineId);
    } finally {
      assert.deepEqual(await scene.close(), { code: 0, signal: null });
      await receiver.close();
    }
    assert.deepEqual([...receiver.paths], ['/v1/traces']);
    assert.equal(receiver.spans.filter(({ name }) => name.includes('MediaService')).length, 0);
  });

  it('that nobody takes hold nothing up', async () => {
    const scene = await Scene.start({ flags: ['--traces-endpoint', 'http://127.0.0.1:9'] });
    await scene.joined('traced');
    const beganMs = performance.now();
    assert.deepEqual(await scene.close(), { code: 0, signal: null });
    assert.ok(performance.now() - beganMs < 15_000);
  });

  it('load their packages only where they are wanted', () => {
    const program = readFileSync('dist/bin/alirtcd.mjs', 'utf8');
    assert.match(program, /import\(["']@opentelemetry\/sdk-trace-node["']\)/);
    assert.doesNotMatch(program, /^import .*@opentelemetry/m);
  });
});
