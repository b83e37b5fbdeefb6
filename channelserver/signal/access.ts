import { TokenVerifier } from 'livekit-server-sdk';
import { grantsOf } from '../room/grants.js';
import type { Grants } from '../room/grants.js';

/** Why a token is refused; the text may be shown to who sent it and never holds the token. */
export class AccessError extends Error {
  override readonly name = 'AccessError';
}

const REASONS: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'the token has expired',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'the signature of the token does not match its key',
  ERR_JWT_CLAIM_VALIDATION_FAILED: 'the token is not valid now, or not issued by its key',
  ERR_JWS_INVALID: 'the token is not a JWT',
  ERR_JWT_INVALID: 'the token is not a JWT',
};

/** Signature, expiry, not-before, room and identity. Rejects with an AccessError. */
export async function checkAccess(token: string | undefined, keys: ReadonlyMap<string, string>): Promise<Grants> {
  if (token === undefined || token === '') throw new AccessError('no token was given');
  const issuer = issuerOf(token);
  const secret = keys.get(issuer);
  if (secret === undefined) throw new AccessError('the token is of an unknown app id');
  let claims: Awaited<ReturnType<TokenVerifier['verify']>>;
  try {
    claims = await new TokenVerifier(issuer, secret).verify(token);
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
    throw new AccessError(REASONS[code] ?? 'the token cannot be verified');
  }
  try {
    return grantsOf(claims);
  } catch (error) {
    throw new AccessError(error instanceof Error ? error.message : 'the token has no grants');
  }
}

function issuerOf(token: string): string {
  const payload = token.split('.')[1];
  if (payload === undefined || token.length > 16_384) throw new AccessError('the token is not a JWT');
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  } catch {
    throw new AccessError('the token is not a JWT');
  }
  const issuer = typeof claims === 'object' && claims !== null && 'iss' in claims ? claims.iss : undefined;
  if (typeof issuer !== 'string' || issuer === '') throw new AccessError('the token names no issuer');
  return issuer;
}
