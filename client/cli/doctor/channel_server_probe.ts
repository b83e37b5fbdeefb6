import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { mintLiveKitToken } from '../../../common/token/livekit_token.js';

/** What a channel server said to GET /rtc/validate with a token of ours. */
export interface ServerProbe {
  url: string;
  /** We have a key to make a token with. */
  hasKey: boolean;
  /** Undefined: there was no answer, and `error` says why. */
  status?: number;
  /** The beginning of the answer, without the token. */
  text?: string;
  error?: { code: string; text: string };
  /** How far the server's clock is ahead of ours, by its header Date (RFC 9110, section 6.6.1: whole seconds). */
  skewMs?: number;
}

const TIMEOUT_MS = 5_000;
const MOST_BODY = 4_000;
const TOKEN_SECONDS = 60;
/** JSON Web Tokens begin so; a server that refuses ours may quote it, whole or in part. */
const TOKEN = /\beyJ[\w+/=.-]{10,}/g;

/** Never rejects. `key`: app id and app key, which are the server's API key and secret. */
export async function probeServer(url: string, key: readonly [string, string] | undefined): Promise<ServerProbe> {
  const [apiKey, secret] = key ?? ['none', 'none-that-any-server-would-know-0000'];
  const expiresAt = Date.now() / 1000 + TOKEN_SECONDS;
  const token = await mintLiveKitToken(apiKey, secret, { room: 'alirtc-doctor', identity: 'alirtc-doctor', expiresAt });
  const target = new URL(url.replace(/^ws/, 'http'));
  target.pathname = `${target.pathname.replace(/\/$/, '')}/rtc/validate`;
  const sentMs = Date.now();
  const hasKey = key !== undefined;
  try {
    const { status, text, date } = await get(target, token);
    const receivedMs = Date.now();
    const skew = date === undefined ? {} : { skewMs: skewOf(date, sentMs, receivedMs) };
    return { url, hasKey, status, text: text.replaceAll(TOKEN, '[token]'), ...skew };
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    // Several addresses were tried: the message of the whole is empty.
    const first = error instanceof AggregateError ? (error.errors[0] as Error | undefined) : undefined;
    return { url, hasKey, error: { code, text: message === '' ? (first?.message ?? code) : message } };
  }
}

/** Zero when the header's second lies in the time of the request. */
export function skewOf(date: string, sentMs: number, receivedMs: number): number {
  const beginMs = Date.parse(date);
  if (!Number.isFinite(beginMs)) return 0;
  const endMs = beginMs + 999;
  if (beginMs > receivedMs) return beginMs - receivedMs;
  return endMs < sentMs ? endMs - sentMs : 0;
}

function get(target: URL, token: string): Promise<{ status: number; text: string; date: string | undefined }> {
  return new Promise((resolve, reject) => {
    const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, {
      headers: { authorization: `Bearer ${token}` },
      agent: false,
    });
    const timer = setTimeout(
      () => request.destroy(Object.assign(new Error(`no answer in ${TIMEOUT_MS / 1000} s`), { code: 'ETIMEDOUT' })),
      TIMEOUT_MS,
    );
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    request.once('error', fail);
    request.once('response', (response: IncomingMessage) => {
      let text = '';
      const finish = (): void => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, text, date: response.headers.date });
        request.destroy();
      };
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text = (text + chunk).slice(0, MOST_BODY);
        if (text.length === MOST_BODY) finish();
      });
      response.once('end', finish);
      response.once('error', fail);
    });
    request.end();
  });
}
