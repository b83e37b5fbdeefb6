import { words } from '../format.js';

const KINDS: Readonly<Record<string, string>> = {
  JOINED: 'good',
  PUBLISHED: 'good',
  SUBSCRIBED: 'good',
  CONNECTED: 'good',
  STARTING: 'busy',
  JOINING: 'busy',
  RESTARTING: 'busy',
  PUBLISHING: 'busy',
  SUBSCRIBING: 'busy',
  CONNECTING: 'busy',
  RECONNECTING: 'warn',
  LEAVING: 'warn',
  CLOSING: 'warn',
  DISCONNECTED: 'warn',
  FAILED: 'bad',
  CORE_DIED: 'bad',
};

/** A state in its own word and colour; the word alone says it too. */
export function Badge({ state, text }: { state: string; text?: string }) {
  return <span class={`badge badge-${KINDS[state] ?? 'calm'}`}>{text ?? words(state)}</span>;
}
