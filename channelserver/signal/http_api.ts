import type { IncomingMessage, ServerResponse } from 'node:http';
import { AccessError, checkAccess } from './access.js';
import { exchangeToken } from './exchange.js';
import { JoinRequestError } from './join_parameters.js';
import type { JoinParameters } from './join_parameters.js';
import type { Grants } from '../room/grants.js';

export interface HttpApiOptions {
  keys: ReadonlyMap<string, string>;
  exchangeBodyBytes: number;
  /** Of a path for joining; undefined where none is. Throws a JoinRequestError. */
  joinParameters(url: URL): JoinParameters | undefined;
  /** Of this server, for clients: ws://host:port */
  url(): string;
}

const METHODS: Readonly<Record<string, string>> = {
  '/': 'GET',
  '/rtc/validate': 'GET',
  '/rtc/v1/validate': 'GET',
  '/alirtc/v1/exchange': 'POST',
};

/** Everything but the WebSocket. Rejects only for defects of ours. */
export async function handleHttp(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpApiOptions,
): Promise<void> {
  // Browsers ask from pages of any origin; a token is the only permission.
  response.setHeader('Access-Control-Allow-Origin', '*');
  const url = requestUrl(request);
  const method = METHODS[url.pathname];
  if (method === undefined) return reply(response, 404, 'not found');
  if (request.method === 'OPTIONS') {
    response.setHeader('Access-Control-Allow-Methods', method);
    response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type');
    return reply(response, 204, '');
  }
  if (request.method !== method && !(method === 'GET' && request.method === 'HEAD')) {
    response.setHeader('Allow', method);
    return reply(response, 405, 'method not allowed');
  }
  switch (url.pathname) {
    case '/':
      return reply(response, 200, 'OK');
    case '/alirtc/v1/exchange':
      return exchange(request, response, options);
    default:
      return validate(request, response, options);
  }
}

/** Authorization wins over the query, as in LiveKit. Rejects with an AccessError. */
export function accessOf(request: IncomingMessage, keys: ReadonlyMap<string, string>): Promise<Grants> {
  const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return checkAccess(bearer ?? requestUrl(request).searchParams.get('access_token') ?? undefined, keys);
}

/** The host is of no interest, and what a client writes there may be anything. */
export function requestUrl(request: IncomingMessage): URL {
  const target = request.url ?? '/';
  return new URL(target.startsWith('/') ? `http://host${target}` : 'http://host/invalid');
}

/** What the WebSocket on the path in front of "/validate" would be refused for: browsers do not show it to a page. */
async function validate(request: IncomingMessage, response: ServerResponse, options: HttpApiOptions): Promise<void> {
  const url = requestUrl(request);
  url.pathname = url.pathname.replace(/\/validate$/, '');
  try {
    // Clients that know the single peer connection path fall back to /rtc on exactly this status.
    if (options.joinParameters(url) === undefined) return reply(response, 404, 'not found');
    await accessOf(request, options.keys);
    reply(response, 200, 'success');
  } catch (error) {
    if (error instanceof JoinRequestError) return reply(response, 400, error.message);
    if (!(error instanceof AccessError)) throw error;
    reply(response, 401, error.message);
  }
}

async function exchange(request: IncomingMessage, response: ServerResponse, options: HttpApiOptions): Promise<void> {
  const body = await readBody(request, options.exchangeBodyBytes);
  if (body === undefined) {
    response.setHeader('Connection', 'close');
    return reply(response, 413, `the body has more than ${options.exchangeBodyBytes} bytes`);
  }
  const answer = await exchangeToken(body, options.url(), options.keys, Date.now() / 1000);
  response.setHeader('Cache-Control', 'no-store');
  reply(response, answer.status, JSON.stringify(answer.body), 'application/json');
}

/** undefined: longer than allowed; what comes further is not kept. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function reply(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
