import { RoomConnectError } from '../connect_error.js';
import type { ConnectErrorShape } from '../types.js';

type Kind = ConnectErrorShape['kind'];
interface Failure {
  kind: Kind;
  text: string;
}

const REFUSED = 'is the server running, and are host and port of the URL right?';
const NOT_LIVEKIT = 'the URL has to be that of a LiveKit server';
const UNTRUSTED =
  'give the daemon the certificate authority of the server (NODE_EXTRA_CA_CERTS), or the server a certificate of a public one';
const WRONG_NAME = 'use a name in the URL that stands in the certificate';

/** By Node's error codes: of sockets, of name resolution, of TLS (OpenSSL's verification results). */
const BY_CODE: Readonly<Record<string, Failure>> = {
  ECONNREFUSED: { kind: 'refused', text: `connection refused: ${REFUSED}` },
  EHOSTUNREACH: { kind: 'refused', text: `the host cannot be reached: ${REFUSED}` },
  ENETUNREACH: { kind: 'refused', text: `no network leads there: ${REFUSED}` },
  ETIMEDOUT: { kind: 'timeout', text: `the host does not answer: ${REFUSED}` },
  ENOTFOUND: { kind: 'refused', text: 'the host name is not known: is it spelt right, and does DNS know it?' },
  EAI_AGAIN: { kind: 'refused', text: 'the host name cannot be resolved: does DNS work on this machine?' },
  DEPTH_ZERO_SELF_SIGNED_CERT: { kind: 'certificate', text: `its certificate is self-signed: ${UNTRUSTED}` },
  SELF_SIGNED_CERT_IN_CHAIN: {
    kind: 'certificate',
    text: `its certificate comes from an authority that is not trusted here: ${UNTRUSTED}`,
  },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
    kind: 'certificate',
    text: `its certificate comes from an authority that is not trusted here, or lacks the ones between: ${UNTRUSTED}`,
  },
  UNABLE_TO_GET_ISSUER_CERT: {
    kind: 'certificate',
    text: `the authority of its certificate is not trusted here: ${UNTRUSTED}`,
  },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: {
    kind: 'certificate',
    text: `the authority of its certificate is not trusted here: ${UNTRUSTED}`,
  },
  CERT_HAS_EXPIRED: {
    kind: 'certificate',
    text: 'its certificate has expired: renew it, or set the clock of this machine',
  },
  CERT_NOT_YET_VALID: {
    kind: 'certificate',
    text: 'its certificate is not valid yet: is the clock of this machine right?',
  },
  ERR_TLS_CERT_ALTNAME_INVALID: { kind: 'certificate', text: `its certificate is for another name: ${WRONG_NAME}` },
  EPROTO: { kind: 'protocol', text: 'there is no TLS at that port: use ws://, or the port that has TLS' },
  ERR_SSL_WRONG_VERSION_NUMBER: {
    kind: 'protocol',
    text: 'there is no TLS at that port: use ws://, or the port that has TLS',
  },
};

/** What the WebSocket's error event says. */
export function fromNetwork(error: Error & { code?: string }): RoomConnectError {
  if (/handshake has timed out/.test(error.message)) return noAnswer(error);
  const code = error.code ?? '';
  const known = BY_CODE[code];
  if (known !== undefined) return new RoomConnectError(known.kind, `${known.text} (${code})`, { cause: error });
  const said = `${error.message}${code === '' ? '' : ` (${code})`}`;
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return new RoomConnectError('protocol', `it ended the connection without an answer: ${NOT_LIVEKIT} (${code})`, {
      cause: error,
    });
  // llhttp's and ws's own complaints: an answer that is no HTTP, or an upgrade that is no WebSocket.
  if (code.startsWith('HPE_') || code.startsWith('WS_ERR') || code === '')
    return new RoomConnectError('protocol', `it answers with another protocol: ${NOT_LIVEKIT}: ${said}`, {
      cause: error,
    });
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code.startsWith('CERT_'))
    return new RoomConnectError('certificate', `TLS failed: ${UNTRUSTED}: ${said}`, { cause: error });
  return new RoomConnectError('refused', `${said}: ${REFUSED}`, { cause: error });
}

export function noAnswer(cause?: unknown): RoomConnectError {
  return new RoomConnectError('timeout', `it did not answer in time: ${NOT_LIVEKIT}, and nothing may hold it up`, {
    cause,
  });
}

const BY_STATUS: Readonly<Record<number, Kind>> = {
  400: 'protocol',
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'not_found',
};

/** An answer to the upgrade that is not 101. `text` is its body; the token is blotted out, as some servers repeat what they were asked. */
export function fromStatus(status: number, text: string, token: string, location?: string): RoomConnectError {
  const clean = oneLine(token === '' ? text : text.replaceAll(token, '***'));
  const said = clean === '' ? `HTTP status ${status}` : `${clean} (HTTP status ${status})`;
  if (/max(imum)?[ _]?participants|room is full/i.test(text)) return new RoomConnectError('room_full', said);
  // LiveKit keeps the reason of a room that refuses a participant to its log.
  if (/connection closed by media/i.test(text))
    return new RoomConnectError(
      'room_full',
      `the room takes nobody: it is full (max_participants), or being closed: ${said}`,
    );
  const kind = BY_STATUS[status] ?? (status >= 429 ? 'server' : 'protocol');
  if (kind !== 'protocol' || status === 400) return new RoomConnectError(kind, said);
  const redirect = location === undefined ? '' : ', a redirection to another address, which is not followed';
  return new RoomConnectError(
    kind,
    `it answers with a web page instead of a WebSocket${redirect}: ${NOT_LIVEKIT}: ${said}`,
  );
}

/** Pages have many lines, control characters and markup; a log and an error text have one line. */
function oneLine(text: string): string {
  return text
    .replace(/<(script|style)[\s\S]*?<\/\1>|<[^>]*>/gi, ' ')
    .replace(/[^\P{C}]|\s/gu, ' ')
    .replace(/ +/g, ' ')
    .trim()
    .slice(0, 200);
}
