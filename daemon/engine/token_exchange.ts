import type { JoinExtension } from '../../coreservice/ipc/extension.js';
import { decodeToken, looksLikeJwt, verifyToken } from '../../common/token/alirtc_token.js';
import type { AuthInfo } from '../../common/token/alirtc_token.js';
import { mintLiveKitToken } from '../../common/token/livekit_token.js';
import { refusal } from '../refusals.js';
import type { ChannelServers } from './channel_servers.js';

const MAX_DATE_SECONDS = 8.64e12;

/** What a join brings to prove who it is. */
export type Credential = { kind: 'token'; token: string } | { kind: 'auth'; auth: AuthInfo; hash: string };

export interface ExchangeRequest {
  credential: Credential;
  channel: string;
  userId: string;
  userName: string;
  role: 'interactive' | 'live';
  /** The IPC's ChannelProfile. */
  profile: number;
}

export interface TokenExchangeOptions {
  keys: ReadonlyMap<string, string>;
  channelServers: ChannelServers;
  /** A core that has a cloud of its own takes tokens of app ids that the daemon does not know. */
  foreignCore: boolean;
  nowSeconds: number;
  /** Of a join that was accepted then and is made again by the daemon: the token is judged as of that time, and what it is exchanged for is fresh. */
  acceptedAtSeconds?: number | undefined;
}

/** What a token is exchanged for when it has expired meanwhile has to last for the join alone. */
const REJOIN_LIFE_S = 600;

/**
 * Checks a join's token, and exchanges it for what our core service joins with. Undefined: the core gets the original alone. Throws what the join
 * fails with: ERR_JOIN_BAD_APPID or ERR_JOIN_BAD_TOKEN.
 */
export async function exchangeToken(
  request: ExchangeRequest,
  options: TokenExchangeOptions,
): Promise<JoinExtension | undefined> {
  const { credential, channel, userId } = request;
  const { keys, channelServers, nowSeconds, acceptedAtSeconds = nowSeconds } = options;
  const place = placeOf(channelServers.urls);
  if (credential.kind === 'token' && looksLikeJwt(credential.token)) {
    checkClaims(claimsOf(credential.token), request, acceptedAtSeconds);
    return place === undefined ? undefined : { ...place, token: credential.token };
  }
  const decoded = credential.kind === 'token' ? decodeToken(credential.token) : credential;
  // Beyond what a date can say (ECMA-262 21.4.1.1); the check below would not know how to print it.
  if (Math.abs(decoded.auth.timestamp) > MAX_DATE_SECONDS)
    throw badToken('the timestamp of the token is no date', 'timestamp', String(decoded.auth.timestamp));
  if (options.foreignCore && !keys.has(decoded.auth.appId)) return undefined;
  verifyToken(decoded, { channel, userId }, keys, acceptedAtSeconds);
  const key = keys.get(decoded.auth.appId);
  if (place === undefined || key === undefined) return undefined;
  const token = await mintLiveKitToken(decoded.auth.appId, key, {
    room: channel,
    identity: userId,
    ...(request.userName === '' ? {} : { name: request.userName }),
    role: request.role,
    profile: request.profile,
    // The embedded server has no call by which audience could be let publish later (role_permission.ts).
    mayPublish: channelServers.embedded || request.role === 'interactive',
    expiresAt:
      options.acceptedAtSeconds === undefined
        ? decoded.auth.timestamp
        : Math.max(decoded.auth.timestamp, Math.floor(nowSeconds) + REJOIN_LIFE_S),
  });
  return { ...place, token };
}

/** Where a core of ours joins, as the IPC says it; undefined: it knows. */
export function placeOf(urls: readonly string[]): Pick<JoinExtension, 'url' | 'urls'> | undefined {
  const [url] = urls;
  if (url === undefined) return undefined;
  return urls.length === 1 ? { url } : { url, urls: [...urls] };
}

/** Channel and user of a token, for joins that do not say them. Throws ERR_JOIN_BAD_TOKEN. */
export function identityOf(token: string): { channel: string; userId: string } {
  if (!looksLikeJwt(token)) {
    const { auth } = decodeToken(token);
    return { channel: auth.channel, userId: auth.userId };
  }
  const claims = claimsOf(token);
  return { channel: claims.room, userId: claims.identity };
}

interface Claims {
  room: string;
  identity: string;
  /** Unix time in seconds; 0: not said. */
  expiresAt: number;
}

/** What a LiveKit token says; whether it is genuine is for the channel server to find out. */
function claimsOf(token: string): Claims {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
      sub?: unknown;
      exp?: unknown;
      video?: { room?: unknown };
    };
    return {
      room: typeof claims.video?.room === 'string' ? claims.video.room : '',
      identity: typeof claims.sub === 'string' ? claims.sub : '',
      expiresAt: typeof claims.exp === 'number' ? claims.exp : 0,
    };
  } catch {
    throw badToken('the token has two dots, but is not a LiveKit access token', 'token');
  }
}

function checkClaims(claims: Claims, request: ExchangeRequest, nowSeconds: number): void {
  // Without a room the token is for every room.
  if (claims.room !== '' && claims.room !== request.channel)
    throw badToken(
      `the token is for channel "${claims.room}", the join for "${request.channel}"`,
      'channel_id',
      request.channel,
    );
  if (claims.identity !== request.userId)
    throw badToken(
      `the token is for user "${claims.identity}", the join for "${request.userId}"`,
      'user_id',
      request.userId,
    );
  if (claims.expiresAt !== 0 && claims.expiresAt <= nowSeconds)
    throw badToken(`the token has expired, at Unix time ${claims.expiresAt}`, 'timestamp', String(claims.expiresAt));
}

/** The value of a token itself is never told. */
function badToken(message: string, field: string, value = ''): Error {
  return refusal('unauthenticated', 'ERR_JOIN_BAD_TOKEN', message, { field, value, remedy: 'make a new token' });
}
