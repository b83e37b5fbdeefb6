import type { IncomingMessage } from 'node:http';
import { CONSOLE_HEADER } from '../../common/console_api.js';
import { HttpError } from './errors.js';

export const MAX_URL_CHARACTERS = 2048;

/** Path and query of a request. Throws 400 and 414. */
export function parseTarget(target: string): { path: string; query: URLSearchParams } {
  if (target.length > MAX_URL_CHARACTERS)
    throw new HttpError(
      414,
      'URL_TOO_LONG',
      `the address has more than ${MAX_URL_CHARACTERS} characters`,
      'shorten it',
    );
  // Only the origin form of RFC 9112, section 3.2.1: this is no proxy.
  if (!target.startsWith('/') || /[^\x21-\x7e]/.test(target))
    throw new HttpError(400, 'BAD_URL', 'the address has to begin with / and be of printable ASCII', 'encode it');
  const cut = target.indexOf('?');
  const path = cut === -1 ? target : target.slice(0, cut);
  return { path, query: new URLSearchParams(cut === -1 ? '' : target.slice(cut + 1)) };
}

/**
 * Against DNS rebinding: a name of an attacker's that resolves to this machine makes a foreign page one of ours, but the browser still says that name. Only
 * the name counts, not the port: a tunnel may have another one. Throws 421 (RFC 9110, section 15.5.20).
 */
export function checkHost(host: string | undefined, allowed: ReadonlySet<string>): void {
  const name = hostName(host ?? '');
  if (name !== undefined && allowed.has(name)) return;
  throw new HttpError(
    421,
    'WRONG_HOST',
    `this daemon does not answer under the name "${(name ?? host ?? '').slice(0, 80)}"`,
    'open it as 127.0.0.1 or localhost, or have the operator add the name with --http-host',
  );
}

/** The name in a Host header, in lower case and without port and brackets; undefined: it is none. */
export function hostName(host: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

/**
 * Of requests that change something. A page from elsewhere can make a browser send a POST, but not with a header of its own without asking first, which is
 * never granted; the browser's own words about where the request comes from are checked as well. Throws 403.
 */
export function checkSameSite({ headers }: IncomingMessage): void {
  const site = headers['sec-fetch-site'];
  const { origin } = headers;
  const ownOrigin = origin === undefined || sameHost(origin, headers.host ?? '');
  if (headers[CONSOLE_HEADER] === '1' && ownOrigin && (site === undefined || site === 'same-origin')) return;
  throw new HttpError(
    403,
    'FOREIGN_REQUEST',
    'this request did not come from the console',
    `send the header ${CONSOLE_HEADER}: 1, from a page of this daemon`,
  );
}

function sameHost(origin: string, host: string): boolean {
  try {
    return new URL(origin).host === host.toLowerCase();
  } catch {
    return false;
  }
}
