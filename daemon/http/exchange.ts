import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError } from './errors.js';

const MAX_BODY_BYTES = 4096;

/** One request and its answer, as a route sees them. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Of the route's path: "/api/v1/engines/:id" gives id. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Aborts when the viewer is gone. */
  readonly signal: AbortSignal;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    params: Readonly<Record<string, string>>,
    query: URLSearchParams,
  ) {
    this.request = request;
    this.response = response;
    this.params = params;
    this.query = query;
    const gone = new AbortController();
    this.signal = gone.signal;
    response.once('close', () => gone.abort(new Error('the viewer is gone')));
  }

  param(name: string): string {
    return this.params[name] ?? '';
  }

  json(value: unknown, status = 200): void {
    this.send(status, 'application/json; charset=utf-8', JSON.stringify(value));
  }

  send(status: number, type: string, body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): void {
    const { response } = this;
    if (response.headersSent) return void response.destroy();
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    response.writeHead(status, { 'content-type': type, 'content-length': bytes.byteLength, ...headers });
    response.end(this.request.method === 'HEAD' ? undefined : bytes);
  }

  /** The JSON object in the request's body. Throws 400, 413, 415. */
  async body(): Promise<Record<string, unknown>> {
    const type = this.request.headers['content-type'] ?? '';
    if (!/^application\/json\b/i.test(type))
      throw new HttpError(415, 'NOT_JSON', 'the body has to be application/json', 'set content-type');
    const chunks: Buffer[] = [];
    let bytes = 0;
    // What is too long is answered, not cut off.
    for await (const chunk of this.request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > MAX_BODY_BYTES)
        throw new HttpError(413, 'BODY_TOO_LARGE', `the body has more than ${MAX_BODY_BYTES} bytes`, 'shorten it');
      chunks.push(chunk);
    }
    return objectOf(Buffer.concat(chunks).toString('utf8'));
  }
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // The error below says it.
  }
  throw new HttpError(400, 'BAD_JSON', 'the body is no JSON object', 'send a JSON object');
}
