import * as z from 'zod';
import { AlirtcError } from '../../common/errors.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';
import { decodeToken, verifyToken } from '../../common/token/alirtc_token.js';
import { mintLiveKitToken } from '../../common/token/livekit_token.js';

const Request = z.object({
  token: z.string().max(8192),
  channel: z.string().max(256),
  userid: z.string().max(256),
  username: z.string().max(256).optional(),
  /** The number of the interface's ChannelProfile. */
  profile: z.number().int().min(0).max(255).optional(),
  role: z.enum(['interactive', 'live']).optional(),
});

export interface ExchangeAnswer {
  status: 200 | 400 | 401;
  body: { url: string; token: string } | { number: number; reason: string; text: string };
}

/** Turns an AliRTC token into a LiveKit token with the grants of an engine, valid as long as the first one. */
export async function exchangeToken(
  body: string,
  url: string,
  keys: ReadonlyMap<string, string>,
  nowSeconds: number,
): Promise<ExchangeAnswer> {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return badRequest('the body is not JSON');
  }
  const parsed = Request.safeParse(json);
  if (!parsed.success) {
    const at = parsed.error.issues[0];
    return badRequest(`${at?.path.join('.') ?? 'body'}: ${at?.message ?? 'is wrong'}`);
  }
  const { token, channel, userid, username, profile, role } = parsed.data;
  try {
    const decoded = decodeToken(token);
    verifyToken(decoded, { channel, userId: userid }, keys, nowSeconds);
    const { appId, timestamp } = decoded.auth;
    const jwt = await mintLiveKitToken(appId, keys.get(appId) ?? '', {
      room: channel,
      identity: userid,
      expiresAt: timestamp,
      ...(username === undefined ? {} : { name: username }),
      ...(role === undefined ? {} : { role }),
      ...(profile === undefined ? {} : { profile }),
    });
    return { status: 200, body: { url, token: jwt } };
  } catch (error) {
    if (!(error instanceof AlirtcError)) throw error;
    return {
      status: 401,
      body: { number: error.number ?? ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN, reason: error.reason, text: error.message },
    };
  }
}

function badRequest(text: string): ExchangeAnswer {
  return { status: 400, body: { number: ERROR_NUMBERS.ERR_JOIN_BAD_PARAM, reason: 'ERR_JOIN_BAD_PARAM', text } };
}
