import type { RelayServer } from './ice_servers.js';

const UNTRUSTED =
  'its certificate is of an authority that is not trusted here: give the daemon that authority (NODE_EXTRA_CA_CERTS), or the server a certificate of a public one';

/** By Node's error codes: of sockets, of name resolution, of TLS (OpenSSL's verification results). */
const BY_CODE: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_HAS_EXPIRED: 'its certificate has expired: renew it, or set the clock of this machine',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: is the clock of this machine right?',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another name: the server has to be named by one that stands in it',
  ERR_SSL_WRONG_VERSION_NUMBER: 'there is no TLS at that port',
  EPROTO: 'there is no TLS at that port',
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'no network leads there',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be resolved',
};

/** Why a TURN server gave no relay, in words for who runs it. Never its username or credential. */
export function relayFailure({ host, port, transport }: RelayServer, error: unknown): string {
  const name = transport === 'tls' ? `turns:${host}:${port}` : `turn:${host}:${port} over ${transport}`;
  const { code, message, response } = error as { code?: string; message?: string; response?: unknown };
  const known = code === undefined ? undefined : BY_CODE[code];
  if (known !== undefined) return `${name}: ${known} (${code})`;
  // The library's error for what a server answered: RFC 8656 section 18.
  if (response !== undefined) return `${name}: it refuses us: are username and credential right?`;
  return `${name}: ${message ?? 'no relay'}`;
}
