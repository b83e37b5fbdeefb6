import { createHash, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { AlirtcError } from '../errors.js';
import { ERROR_NUMBERS } from '../error_codes.js';

/** What a token speaks for. timestamp is when it expires, Unix time in seconds. */
export interface AuthInfo {
  appId: string;
  channel: string;
  userId: string;
  nonce: string;
  timestamp: number;
}

/** A status shows the beginning of a value. */
const VALUE_CHARACTERS = 80;

const TokenJson = z.object({
  appid: z.string(),
  channelid: z.string(),
  userid: z.string(),
  nonce: z.string(),
  timestamp: z.number().int(),
  token: z.string(),
});

/** Lower-case hex SHA-256 of appid + appkey + channelid + userid + nonce + decimal timestamp (types.md, Tokens). */
export function tokenHash(auth: AuthInfo, appKey: string): string {
  return createHash('sha256')
    .update(auth.appId + appKey + auth.channel + auth.userId + auth.nonce + String(auth.timestamp), 'utf8')
    .digest('hex');
}

/** The single-parameter token. */
export function encodeToken(auth: AuthInfo, hash: string): string {
  const json = {
    appid: auth.appId,
    channelid: auth.channel,
    userid: auth.userId,
    nonce: auth.nonce,
    timestamp: auth.timestamp,
    token: hash,
  };
  return Buffer.from(JSON.stringify(json), 'utf8').toString('base64');
}

/** A LiveKit access token (JWT) has two dots; base64 has none. */
export function looksLikeJwt(token: string): boolean {
  return token.split('.').length === 3;
}

export function decodeToken(token: string): { auth: AuthInfo; hash: string } {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(token, 'base64').toString('utf8'));
  } catch {
    throw badToken('the token is not base64 of a JSON object', 'token', 'make it with GenerateToken');
  }
  const parsed = TokenJson.safeParse(json);
  if (!parsed.success) {
    const at = parsed.error.issues[0];
    throw badToken(
      `the token's ${at?.path.join('.') ?? 'content'} is wrong: ${at?.message ?? 'unknown'}`,
      'token',
      'make it with GenerateToken',
    );
  }
  const { appid, channelid, userid, nonce, timestamp, token: hash } = parsed.data;
  return { auth: { appId: appid, channel: channelid, userId: userid, nonce, timestamp }, hash };
}

/**
 * Checks a decoded token. Throws ERR_JOIN_BAD_APPID or ERR_JOIN_BAD_TOKEN; the text names the field that differs, the expiry, or the hash.
 * channel and userId are those of the join.
 */
export function verifyToken(
  token: { auth: AuthInfo; hash: string },
  join: { channel: string; userId: string },
  keys: ReadonlyMap<string, string>,
  nowSeconds: number,
): void {
  const { auth, hash } = token;
  if (auth.channel !== join.channel)
    throw badToken(
      `the token is for channel "${auth.channel}", the join for "${join.channel}"`,
      'channel_id',
      'join the channel of the token',
      join.channel,
    );
  if (auth.userId !== join.userId)
    throw badToken(
      `the token is for user "${auth.userId}", the join for "${join.userId}"`,
      'user_id',
      'join as the user of the token',
      join.userId,
    );
  const key = keys.get(auth.appId);
  if (key === undefined)
    throw new AlirtcError('unauthenticated', `no such app id "${auth.appId}"`, {
      reason: 'ERR_JOIN_BAD_APPID',
      number: ERROR_NUMBERS.ERR_JOIN_BAD_APPID,
      field: 'app_id',
      value: auth.appId.slice(0, VALUE_CHARACTERS),
      remedy: "add the app id to the daemon's key file, or use one that it has",
    });
  const wanted = Buffer.from(tokenHash(auth, key), 'utf8');
  const given = Buffer.from(hash, 'utf8');
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    throw badToken(
      'the hash of the token does not match its app id, key, channel, user, nonce and timestamp',
      'token',
      'make it with the key of its app id',
    );
  if (auth.timestamp <= nowSeconds)
    throw badToken(
      `the token expired at ${new Date(auth.timestamp * 1000).toISOString()}`,
      'timestamp',
      'make a new token',
      String(auth.timestamp),
    );
}

/** The value of a token itself is never told. */
function badToken(message: string, field: string, remedy: string, value = ''): AlirtcError {
  return new AlirtcError('unauthenticated', message, {
    reason: 'ERR_JOIN_BAD_TOKEN',
    number: ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN,
    field,
    value,
    remedy,
  });
}
