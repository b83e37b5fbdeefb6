import type { PeerCertificate } from 'node:tls';
import { messageOf } from '../../common/errors.js';
import type { Config } from '../config/schema.js';
import { refusal } from '../refusals.js';
import { LOCAL } from './identity.js';
import type { Identity } from './identity.js';
import { JwtKey } from './jwt_key.js';
import { digestOf, readTokenFile } from './token_file.js';

type CallerSettings = Pick<Config, 'tokens' | 'jwt-key' | 'jwt-issuer' | 'jwt-audience' | 'admin-subject'>;

interface Known {
  tokens: ReadonlyMap<string, Identity>;
  jwt: JwtKey | undefined;
}

const REMEDY = 'send the header "authorization: Bearer <token>", with a token that the operator gave you';

/** Tells who calls: by bearer token, else by the certificate of the client, else it is "local" where no tokens are wanted. */
export class Callers {
  readonly #settings: CallerSettings;
  #known: Known;

  /** Throws an Error that names the file that is wrong. */
  constructor(settings: CallerSettings) {
    this.#settings = settings;
    this.#known = readKnown(settings);
  }

  /** Reads the files again; throws as the constructor, and knows who was known before then. */
  reload(): void {
    this.#known = readKnown(this.#settings);
  }

  /** Throws UNAUTHENTICATED. A promise only where a signature has to be checked. */
  identify(authorization: string | undefined, certificate: PeerCertificate | undefined): Identity | Promise<Identity> {
    const { tokens, jwt } = this.#known;
    const wantsTokens = tokens.size > 0 || jwt !== undefined;
    if (wantsTokens && authorization !== undefined) {
      const token = /^bearer +(\S+)$/i.exec(authorization)?.[1];
      if (token === undefined) throw unknown('the header "authorization" has to be "Bearer <token>"');
      const identity = tokens.get(digestOf(token));
      if (identity !== undefined) return identity;
      if (jwt === undefined) throw unknown('the daemon does not know this token');
      return jwt.identify(token).catch((error: unknown) => {
        throw unknown(`the token is not taken: ${messageOf(error)}`);
      });
    }
    if (certificate !== undefined) return this.#byCertificate(certificate);
    if (wantsTokens) throw unknown('this daemon takes calls with a bearer token only');
    return LOCAL;
  }

  #byCertificate(certificate: PeerCertificate): Identity {
    const subject = subjectOf(certificate);
    // Who is nobody would share engines with everybody else who is.
    if (subject === undefined || subject === '') throw unknown('the certificate of the client names nobody');
    const isAdmin = this.#settings['admin-subject'].includes(subject);
    return { name: `tls:${subject}`, scopes: new Set(isAdmin ? ['read', 'use', 'admin'] : ['read', 'use']) };
  }
}

function readKnown(settings: CallerSettings): Known {
  const { tokens, 'jwt-key': jwtKey, 'jwt-issuer': issuer, 'jwt-audience': audience } = settings;
  return {
    tokens: tokens === undefined ? new Map<string, Identity>() : readTokenFile(tokens),
    jwt: jwtKey === undefined ? undefined : new JwtKey(jwtKey, { issuer, audience }),
  };
}

/**
 * "O=Example,CN=client": the parts in the certificate's order. One without a subject is its other names, "URI:spiffe://example/bot" (RFC 5280, section 4.1.2.6); undefined:
 * it has none either.
 */
function subjectOf({ subject, subjectaltname }: Partial<PeerCertificate>): string | undefined {
  const parts = Object.entries(subject ?? {}).flatMap(([key, value]: [string, unknown]) =>
    [value].flat().map((one) => `${key}=${escaped(String(one))}`),
  );
  return parts.length > 0 ? parts.join(',') : subjectaltname;
}

/** RFC 4514, section 2.4: else O="us,CN=operator" would read as two parts, and be another's subject. Control characters would reach terminals. */
function escaped(value: string): string {
  return value
    .replace(/[\\,+"<>;]/g, '\\$&')
    .replace(/\p{Cc}/gu, (character) => `\\${Buffer.from(character).toString('hex')}`);
}

function unknown(text: string): Error {
  return refusal('unauthenticated', 'BAD_BEARER_TOKEN', text, { field: 'authorization', value: '', remedy: REMEDY });
}
