import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';
import { messageOf } from '../../common/errors.js';
import { SCOPES, scopesOf } from './identity.js';
import type { Identity } from './identity.js';

/** Shorter ones can be guessed. */
const LEAST_CHARACTERS = 16;
const Content = z.record(z.string(), z.string());

/**
 * The identities of a file of bearer tokens, "token: name scopes" a line, by the SHA-256 of the token: looking one up takes the same time whatever is wrong with it.
 * Throws an Error that names the file and the line's name, never a token.
 */
export function readTokenFile(file: string): Map<string, Identity> {
  const wrong = (text: string): Error => new Error(`tokens ${file}: ${text}`);
  let content: unknown;
  try {
    if ((statSync(file).mode & 0o077) !== 0) throw new Error('others than its owner may read it; chmod 600 it');
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // The text of a YAML error quotes the line.
    throw wrong(error instanceof Error && error.name.startsWith('YAML') ? 'is not YAML' : messageOf(error));
  }
  const parsed = Content.safeParse(content);
  if (!parsed.success || Object.keys(parsed.data).length === 0)
    throw wrong(`has to hold lines "token: name scopes", scopes of ${SCOPES.join(', ')}`);
  const identities = Object.entries(parsed.data).map(([token, text]): [string, Identity] => {
    const [name = '', ...words] = text.trim().split(/[\s,]+/);
    const scopes = scopesOf(words);
    if (!/^[\w.@-]{1,64}$/.test(name)) throw wrong('a name has to be 1 to 64 of letters, digits and _ . @ -');
    if (token.length < LEAST_CHARACTERS)
      throw wrong(`the token of ${name} has less than ${LEAST_CHARACTERS} characters`);
    if (scopes === undefined || scopes.size === 0)
      throw wrong(`the scopes of ${name} have to be some of ${SCOPES.join(', ')}`);
    return [digestOf(token), { name: `token:${name}`, scopes }];
  });
  return new Map(identities);
}

export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
