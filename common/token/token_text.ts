/** AliRTC tokens are base64 of JSON and LiveKit's are JWTs: both begin like this. */
const TOKEN = /\beyJ[\w+/=.-]{20,}/g;

/** The text with what looks like a token blotted out: what others print does not bring one into a log. */
export function withoutTokens(text: string): string {
  return text.replace(TOKEN, '[redacted]');
}
