import { readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';

/** Tokens are signed with HMAC-SHA256: a key that can be guessed lets everybody make them (RFC 2104, section 3). As livekit-server has it. */
const STRONG_CHARACTERS = 32;

/** The app ids whose keys are so short that they might be guessed. */
export function weakKeys(keys: ReadonlyMap<string, string>): string[] {
  return [...keys].filter(([, key]) => key.length < STRONG_CHARACTERS).map(([appId]) => appId);
}

const KeyFile = z.record(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), z.string().min(1));

/**
 * Reads app ids and app keys: YAML (or JSON), one `appid: appkey` a line, the same form as livekit-server's `keys`. The first one is the default.
 * Throws an Error that names the file and what is wrong, never a key.
 */
export function readKeyFile(path: string): Map<string, string> {
  let content: unknown;
  try {
    if ((statSync(path).mode & 0o077) !== 0) throw new Error('others than its owner may read it; chmod 600 it');
    content = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const text = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new Error(
      `key file ${path}: ${error instanceof Error && error.name.startsWith('YAML') ? 'is not YAML' : text}`,
      { cause: error },
    );
  }
  const parsed = KeyFile.safeParse(content);
  if (!parsed.success || Object.keys(parsed.data).length === 0)
    throw new Error(
      `key file ${path}: has to hold lines "appid: appkey", app ids of [A-Za-z0-9_-]{1,64}, at least one`,
    );
  return new Map(Object.entries(parsed.data));
}
