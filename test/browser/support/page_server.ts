import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PAGE = fileURLToPath(new URL('../page/', import.meta.url));

/** The test page on 127.0.0.1, which browsers take for a secure context; everything it loads is bundled into it. */
export class PageServer {
  readonly url: string;

  private constructor(private readonly server: Server) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  /** `sdk`: the folder of another livekit-client than the installed one. */
  static async start(sdk?: string): Promise<PageServer> {
    const files: Record<string, { type: string; body: Uint8Array }> = {
      '/': { type: 'text/html; charset=utf-8', body: await readFile(path.join(PAGE, 'index.html')) },
      '/page.js': { type: 'text/javascript; charset=utf-8', body: await bundle(sdk) },
    };
    const server = createServer((request, response) => {
      const file = files[new URL(request.url ?? '/', 'http://page').pathname];
      if (file === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': file.type, 'cache-control': 'no-store' }).end(file.body);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve());
    });
    return new PageServer(server);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}

async function bundle(sdk: string | undefined): Promise<Uint8Array> {
  const { outputFiles } = await build({
    ...(sdk === undefined ? {} : { alias: { 'livekit-client': sdk } }),
    entryPoints: [path.join(PAGE, 'main.ts')],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    target: 'chrome120',
    logLevel: 'warning',
  });
  const [script] = outputFiles;
  if (script === undefined) throw new Error('the test page was not built');
  return script.contents;
}
