/** What a caller may do: look, use engines, administer the node. */
export type Scope = 'read' | 'use' | 'admin';

export const SCOPES: readonly Scope[] = ['read', 'use', 'admin'];

/** Who calls. */
export interface Identity {
  /** "token:alice", "jwt:bot-7", "tls:CN=client", or "local": whom an engine belongs to. */
  name: string;
  scopes: ReadonlySet<Scope>;
}

/** Who reaches the daemon where nobody has to say who he is. */
export const LOCAL: Identity = { name: 'local', scopes: new Set(SCOPES) };

/** Words of a list that are scopes; undefined: one is none. */
export function scopesOf(words: readonly string[]): ReadonlySet<Scope> | undefined {
  const scopes = words.filter((word): word is Scope => SCOPES.includes(word as Scope));
  return scopes.length === words.length ? new Set(scopes) : undefined;
}
