import type { ServerResponse } from 'node:http';

/**
 * On every answer. Nothing but the daemon's own files is loaded and nothing but the daemon and the channel servers of its engines is spoken to; no other page may
 * embed this one or read its answers; nothing is stored.
 */
export function setSecurityHeaders(response: ServerResponse, channelServerUrls: readonly string[]): void {
  const headers = {
    'content-security-policy': contentSecurityPolicy(channelServerUrls),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(self), microphone=(self), display-capture=(self), geolocation=()',
    'cache-control': 'no-store',
  };
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

/** livekit-client speaks WebSocket with a channel server, and HTTP to ask why a connection was refused. */
export function contentSecurityPolicy(channelServerUrls: readonly string[]): string {
  const servers = new Set(channelServerUrls.flatMap(sourcesOf));
  return [
    "default-src 'self'",
    `connect-src ${["'self'", ...servers].join(' ')}`,
    "img-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function sourcesOf(url: string): string[] {
  try {
    const { protocol, host } = new URL(url);
    return protocol === 'wss:' ? [`wss://${host}`, `https://${host}`] : [`ws://${host}`, `http://${host}`];
  } catch {
    return [];
  }
}
