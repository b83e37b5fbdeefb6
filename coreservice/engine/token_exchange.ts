import * as z from 'zod';
import { AlirtcError, messageOf } from '../../common/errors.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';

export interface ExchangeRequest {
  /** ws:// or wss:// address of the channel server; the exchange is served by HTTP at the same place. */
  url: string;
  /** The single-parameter AliRTC token. */
  token: string;
  channel: string;
  userId: string;
  userName: string;
  profile: number;
  role: 'interactive' | 'live';
}

export interface ChannelTicket {
  url: string;
  /** All nodes of the cluster in the order to try, `url` the first. */
  urls?: string[] | undefined;
  /** A LiveKit access token. Never logged. */
  token: string;
}

export type TokenExchange = (request: ExchangeRequest, signal: AbortSignal) => Promise<ChannelTicket>;

const Ticket = z.object({ url: z.string().min(1), token: z.string().min(1) });
const Refusal = z.object({ number: z.number().int(), reason: z.string(), text: z.string() });
const MAX_ANSWER_BYTES = 64 * 1024;

/** POST <http url>/alirtc/v1/exchange. Throws the channel server's refusal with its own number, reason and text. */
export const exchangeOverHttp: TokenExchange = async (request, signal) => {
  const { url, token, channel, userId, userName, profile, role } = request;
  const endpoint = new URL('/alirtc/v1/exchange', url.replace(/^ws/, 'http'));
  let response: Response;
  let text: string;
  try {
    response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, channel, userid: userId, username: userName, profile, role }),
      redirect: 'error',
      signal,
    });
    text = await readBounded(response);
  } catch (error) {
    if (error instanceof AlirtcError) throw error;
    throw new AlirtcError('unavailable', `the token exchange at ${endpoint.origin} failed: ${causeOf(error)}`, {
      reason: 'ERR_NETWORK_CONNECT_FAIL',
      number: ERROR_NUMBERS.ERR_NETWORK_CONNECT_FAIL,
      cause: error,
    });
  }
  const json = parseJson(text);
  if (response.ok) {
    const ticket = Ticket.safeParse(json);
    if (ticket.success) return ticket.data;
    throw badAnswer(endpoint, 'an answer without url and token');
  }
  const refusal = Refusal.safeParse(json);
  if (refusal.success)
    throw new AlirtcError('unauthenticated', refusal.data.text, {
      reason: refusal.data.reason,
      number: refusal.data.number,
    });
  throw badAnswer(endpoint, `status ${response.status}`);
};

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array;
    size += bytes.byteLength;
    if (size > MAX_ANSWER_BYTES)
      throw new AlirtcError('unavailable', 'the answer of the token exchange is too long', {
        reason: 'ERR_JOIN_FAILED',
        number: ERROR_NUMBERS.ERR_JOIN_FAILED,
      });
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function badAnswer(endpoint: URL, what: string): AlirtcError {
  return new AlirtcError('unavailable', `the token exchange at ${endpoint.origin} gave ${what}`, {
    reason: 'ERR_JOIN_FAILED',
    number: ERROR_NUMBERS.ERR_JOIN_FAILED,
  });
}

/** fetch() hides the system's reason in its cause. */
function causeOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
}
