import { isIP } from 'node:net';
import path from 'node:path';

export type ListenAddress = { kind: 'unix'; path: string } | { kind: 'tcp'; host: string; port: number };

/** "unix:/absolute/path" or "tcp:host:port". Throws an Error that says what is wrong; TCP is for loopback only. */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith('unix:')) {
    const file = text.slice('unix:'.length);
    if (!path.isAbsolute(file)) throw new Error(`listen "${text}": the path has to be absolute`);
    // The system's limit of sun_path (unix(7)).
    if (Buffer.byteLength(file) > 107) throw new Error(`listen "${text}": the path has more than 107 bytes`);
    return { kind: 'unix', path: file };
  }
  const match = /^tcp:(\[[0-9a-fA-F:]+\]|[^:]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port > 65_535)
    throw new Error(`listen "${text}": has to be unix:/path or tcp:host:port`);
  const host = match[1].replace(/^\[|\]$/g, '');
  if (!isLoopback(host))
    throw new Error(
      `listen "${text}": only loopback addresses without TLS; put a TLS proxy in front of tcp:127.0.0.1:${port} to be reached from elsewhere`,
    );
  return { kind: 'tcp', host, port };
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

/** As parseListenAddress takes it. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
  return `tcp:${host}:${address.port}`;
}
