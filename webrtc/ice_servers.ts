import type { IceServer } from './media_transport.js';

export interface RelayServer {
  host: string;
  port: number;
  transport: 'udp' | 'tcp' | 'tls';
  username: string;
  credential: string;
}

export interface ParsedIceServers {
  /** The first one: one answer tells our address. */
  stun: { host: string; port: number } | undefined;
  /** UDP first, as it costs least; in the given order otherwise. */
  relays: RelayServer[];
}

/** More than that would only be tried in vain. */
const MAX_RELAYS = 6;
const TRANSPORT_ORDER = ['udp', 'tcp', 'tls'];
/** RFC 7064 section 3.1, RFC 7065 section 3.1: scheme ":" host [":" port] ["?transport=" name]. */
const URL_PATTERN = /^(stuns?|turns?):(\[[0-9a-fA-F:.]+\]|[^:?[\]/@\s]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i;

/** What can be used of a server's list; the rest is passed over. */
export function parseIceServers(servers: readonly IceServer[]): ParsedIceServers {
  let stun: ParsedIceServers['stun'];
  const relays: RelayServer[] = [];
  for (const { urls, username, credential } of servers)
    for (const url of urls) {
      const match = URL_PATTERN.exec(url.trim());
      const scheme = match?.[1]?.toLowerCase();
      const host = match?.[2]?.replace(/^\[|\]$/g, '');
      if (scheme === undefined || host === undefined) continue;
      const isSecure = scheme.endsWith('s');
      const port = Number(match?.[3] ?? (isSecure ? 5349 : 3478));
      if (port < 1 || port > 65_535) continue;
      if (scheme === 'stun') stun ??= { host, port };
      if (!scheme.startsWith('turn') || username === '' || credential === '') continue;
      const named = match?.[4]?.toLowerCase() === 'tcp' ? 'tcp' : 'udp';
      // turns over UDP would be DTLS, which nobody has.
      relays.push({ host, port, transport: isSecure ? 'tls' : named, username, credential });
    }
  const order = (relay: RelayServer): number => TRANSPORT_ORDER.indexOf(relay.transport);
  relays.sort((one, other) => order(one) - order(other));
  return { stun, relays: relays.slice(0, MAX_RELAYS) };
}
