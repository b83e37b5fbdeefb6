import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { noSuchPage } from './errors.js';
import type { Exchange } from './exchange.js';
import type { Route } from './routes.js';
import { refusal } from '../refusals.js';

interface ServedFile {
  type: string;
  etag: string;
  plain: Buffer;
  gzipped: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The console's files as they were built, read once when somebody opens the page. */
export function consoleFiles(folder: string): Route[] {
  let files: Promise<Map<string, ServedFile>> | undefined;
  const serve = async (exchange: Exchange, name: string): Promise<void> => {
    files ??= readFiles(folder);
    files.catch(() => (files = undefined));
    const file = (await files).get(name);
    if (file === undefined) throw noSuchPage(name);
    sendFile(exchange, file);
  };
  return [
    { method: 'GET', path: '/', handle: (exchange) => serve(exchange, 'index.html') },
    { method: 'GET', path: '/assets/:name', handle: (exchange) => serve(exchange, exchange.param('name')) },
  ];
}

async function readFiles(folder: string): Promise<Map<string, ServedFile>> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const served = names.filter((name) => TYPES[path.extname(name)] !== undefined);
  if (!served.includes('index.html'))
    throw refusal('unavailable', 'NO_CONSOLE', 'the console was not built', { remedy: 'run make build' });
  const entries = served.map(async (name) => [name, await readServed(path.join(folder, name))] as const);
  return new Map(await Promise.all(entries));
}

async function readServed(file: string): Promise<ServedFile> {
  const plain = await readFile(file);
  // The build leaves its best compression beside each file.
  const gzipped = await readFile(`${file}.gz`).catch(() => promisify(gzip)(plain));
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 24)}"`;
  return { type: TYPES[path.extname(file)] ?? 'application/octet-stream', etag, plain, gzipped };
}

function sendFile(exchange: Exchange, { type, etag, plain, gzipped }: ServedFile): void {
  const { headers } = exchange.request;
  // Asked again each time, answered with 304 when nothing has changed.
  const common = { etag, 'cache-control': 'no-cache', vary: 'accept-encoding' };
  if (headers['if-none-match'] === etag) {
    exchange.response.writeHead(304, common).end();
    return;
  }
  const packed = /\bgzip\b/.test(String(headers['accept-encoding'] ?? ''));
  exchange.send(200, type, packed ? gzipped : plain, { ...common, ...(packed ? { 'content-encoding': 'gzip' } : {}) });
}
