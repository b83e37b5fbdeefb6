import { isIP } from 'node:net';

export interface HttpAddress {
  host: string;
  port: number;
}

/** "host:port"; IPv6 in brackets. Throws an Error that says what is wrong. */
export function parseHttpAddress(text: string): HttpAddress {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port > 65_535)
    throw new Error(`"${text.slice(0, 80)}" has to be host:port, like 127.0.0.1:7421, or "off"`);
  return { host: match[1].replace(/^\[|\]$/g, ''), port };
}

export function formatHttpAddress({ host, port }: HttpAddress): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
