import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { jwtVerify } from 'jose';
import { messageOf } from '../../common/errors.js';
import { scopesOf } from './identity.js';
import type { Identity } from './identity.js';

export interface JwtRules {
  issuer?: string | undefined;
  audience?: string | undefined;
}

/** RFC 7518, section 3.1, and RFC 8037: what each kind of key may have signed with. No symmetric ones: who can check could sign. */
const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  rsa: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ec: ['ES256', 'ES384', 'ES512'],
  ed25519: ['EdDSA', 'Ed25519'],
};
const CLOCK_TOLERANCE_S = 10;

/** Checks JSON Web Tokens (RFC 7519) with a public key. */
export class JwtKey {
  readonly #key: KeyObject;
  readonly #algorithms: readonly string[];
  readonly #rules: JwtRules;

  /** A public key or certificate, PEM. Throws an Error that names the file. */
  constructor(file: string, rules: JwtRules) {
    try {
      this.#key = createPublicKey(readFileSync(file));
    } catch (error) {
      throw new Error(`jwt-key ${file}: has to be a public key or a certificate, PEM: ${messageOf(error)}`, {
        cause: error,
      });
    }
    const algorithms = ALGORITHMS[this.#key.asymmetricKeyType ?? ''];
    if (algorithms === undefined)
      throw new Error(`jwt-key ${file}: has to be RSA, elliptic curve or Ed25519, not ${this.#key.asymmetricKeyType}`);
    this.#algorithms = algorithms;
    this.#rules = rules;
  }

  /** Who `sub` is, with the scopes of `scope` (RFC 8693, section 4.2). Rejects with why a token is not taken. */
  async identify(token: string): Promise<Identity> {
    const { issuer, audience } = this.#rules;
    const { payload } = await jwtVerify(token, this.#key, {
      algorithms: [...this.#algorithms],
      requiredClaims: ['sub', 'exp'],
      clockTolerance: CLOCK_TOLERANCE_S,
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    });
    const { sub, scope } = payload as { sub?: unknown; scope?: unknown };
    if (typeof sub !== 'string' || !/^[^\s\p{Cc}]{1,128}$/u.test(sub))
      throw new Error('"sub" has to be 1 to 128 characters without white space');
    // Scopes of other services may stand beside ours.
    const words = typeof scope === 'string' ? scope.split(' ').filter((word) => scopesOf([word]) !== undefined) : [];
    return { name: `jwt:${sub}`, scopes: scopesOf(words) ?? new Set() };
  }
}
