/**
 * How the tables of messages are written and what types follow from them. A key's kind says its JSON type:
 * int (a whole number of 32 bits), long (a whole number that a double holds exactly: times, bytes, bitrates), num (may have a fraction), str, bool,
 * flag (0/1 on the wire, boolean here), json (any JSON value).
 */
export interface KindTypes {
  int: number;
  long: number;
  num: number;
  str: string;
  bool: boolean;
  flag: boolean;
  json: unknown;
}
export type Kind = keyof KindTypes;

export interface MessageSpec {
  readonly number: number;
  readonly keys: Readonly<Record<string, Kind>>;
  /** The key that holds the size of the payload in bytes; left out: no payload. */
  readonly payload?: string;
  /** Keys that a sender may leave out; the receiver then sees the kind's empty value (0, "", false, null) or that of `defaults`. */
  readonly optional?: readonly string[] | 'all';
  readonly defaults?: Readonly<Record<string, unknown>>;
}

type SizeKeyOf<S extends MessageSpec> = S extends { readonly payload: infer P } ? P : never;

/**
 * The fields of a message as both ends see them: every key of its table row, except that of the payload's size (it is the payload's length), and
 * "alirtcd", the object for what the vendor's protocol does not have: it is ignored by vendor's ends.
 */
export type FieldsOf<S extends MessageSpec> = {
  -readonly [K in keyof S['keys'] as K extends SizeKeyOf<S> ? never : K]: KindTypes[S['keys'][K]];
} & { alirtcd?: Record<string, unknown> };
