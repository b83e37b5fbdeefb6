import { isIP } from 'node:net';
import path from 'node:path';

export type ListenAddress =
  | { kind: 'unix'; path: string }
  /** tls: with the certificate of tls-cert. */
  | { kind: 'tcp' | 'tls'; host: string; port: number };

/** "unix:/absolute/path", "tcp:host:port" or "tls:host:port". Throws an Error that says what is wrong. */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith('unix:')) {
    const file = text.slice('unix:'.length);
    if (!path.isAbsolute(file)) throw new Error(`listen "${text}": the path has to be absolute`);
    // The system's limit of sun_path (unix(7)).
    if (Buffer.byteLength(file) > 107) throw new Error(`listen "${text}": the path has more than 107 bytes`);
    return { kind: 'unix', path: file };
  }
  const match = /^(tcp|tls):(\[[0-9a-fA-F:]+\]|[^:]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match?.[2] === undefined || port > 65_535)
    throw new Error(`listen "${text}": has to be unix:/path or tcp:host:port or tls:host:port`);
  return { kind: match[1] === 'tls' ? 'tls' : 'tcp', host: match[2].replace(/^\[|\]$/g, ''), port };
}

/** Reachable from other machines without TLS. */
export function isExposed(address: ListenAddress): boolean {
  return address.kind === 'tcp' && !isLoopback(address.host);
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

/** As parseListenAddress takes it. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
  return `${address.kind}:${host}:${address.port}`;
}
