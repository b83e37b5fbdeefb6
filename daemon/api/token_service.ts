import type { Logger } from '../../common/logger.js';
import { encodeToken, tokenHash } from '../../common/token/alirtc_token.js';
import { mintLiveKitToken } from '../../common/token/livekit_token.js';
import type { GenerateTokenRequest, GenerateTokenResponse, TokenServiceServer } from '../../gen/alirtc/v1/token.js';
import { TokenFormat } from '../../gen/alirtc/v1/token.js';
import { AuthInfo } from '../../gen/alirtc/v1/types.js';
import { checkId, checkLength, checkName, checkOneOf, MAX_NONCE_BYTES, MAX_ROLE_BYTES } from '../engine/checks.js';
import { invalidField, refusal } from '../refusals.js';
import { unary } from './handlers.js';

export interface TokenServiceOptions {
  keys: ReadonlyMap<string, string>;
  channelServerUrl: () => string | undefined;
}

const DEFAULT_LIFE_S = 24 * 60 * 60;
/** ECMA-262 21.4.1.1: beyond it there are no dates, and no join takes the token. */
const MAX_DATE_S = 8.64e12;
const MAX_KEY_BYTES = 1024;
const FORMATS = [TokenFormat.UNSPECIFIED, TokenFormat.ALIRTC, TokenFormat.LIVEKIT];

export function tokenService(options: TokenServiceOptions, logger: Logger): TokenServiceServer {
  return { generateToken: unary(logger, (request) => generate(request, options)) };
}

async function generate(request: GenerateTokenRequest, options: TokenServiceOptions): Promise<GenerateTokenResponse> {
  const asked = request.authInfo ?? AuthInfo.fromPartial({});
  checkId('auth_info.channel', asked.channel);
  checkId('auth_info.user_id', asked.userId);
  checkName('auth_info.user_name', asked.userName);
  checkLength('auth_info.nonce', asked.nonce, MAX_NONCE_BYTES);
  checkLength('auth_info.role', asked.role, MAX_ROLE_BYTES);
  checkLength('app_key', request.appKey, MAX_KEY_BYTES, { shown: false });
  checkOneOf('format', request.format, FORMATS);
  if (asked.timestamp < 0 || asked.timestamp > MAX_DATE_S)
    throw invalidField('auth_info.timestamp', asked.timestamp, `has to be 0 to ${MAX_DATE_S}`, {
      remedy: 'give the Unix time in seconds at which the token expires, or 0 for a day from now',
    });
  const timestamp = asked.timestamp === 0 ? Math.floor(Date.now() / 1000) + DEFAULT_LIFE_S : asked.timestamp;
  const appId = asked.appId === '' ? ([...options.keys.keys()][0] ?? '') : asked.appId;
  checkId('auth_info.app_id', appId);
  const appKey = keyOf(request.appKey, appId, options.keys);
  const signed = { appId, channel: asked.channel, userId: asked.userId, nonce: asked.nonce, timestamp };
  const hash = tokenHash(signed, appKey);
  const token =
    request.format === TokenFormat.LIVEKIT
      ? await mintLiveKitToken(appId, appKey, {
          room: asked.channel,
          identity: asked.userId,
          ...(asked.userName === '' ? {} : { name: asked.userName }),
          expiresAt: timestamp,
        })
      : encodeToken(signed, hash);
  const authInfo = { ...asked, appId, timestamp, token: hash };
  return { token, authInfo, channelServerUrl: options.channelServerUrl() ?? '' };
}

function keyOf(given: string, appId: string, keys: ReadonlyMap<string, string>): string {
  const key = given === '' ? keys.get(appId) : given;
  if (key !== undefined) return key;
  throw refusal('not_found', 'ERR_JOIN_BAD_APPID', `auth_info.app_id: the daemon's key file has no app id "${appId}"`, {
    field: 'auth_info.app_id',
    value: appId,
    remedy: 'give app_key, or have the operator add the app id to the key file',
  });
}
