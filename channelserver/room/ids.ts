import { randomBytes } from 'node:crypto';

const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** LiveKit's form: a prefix that says what it is, and 12 characters that nobody guesses (69 bits). */
export function newSid(prefix: 'RM' | 'PA' | 'TR' | 'ND'): string {
  let text = '';
  while (text.length < 12)
    for (const byte of randomBytes(16)) {
      const character = ALPHABET[byte & 63];
      // 57 of 64 values have a character; the others are drawn again, so that each is equally likely.
      if (character !== undefined && text.length < 12) text += character;
    }
  return `${prefix}_${text}`;
}
