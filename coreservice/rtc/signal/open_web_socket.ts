import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { RoomConnectError } from '../connect_error.js';
import { fromNetwork, fromStatus, noAnswer } from './connection_failures.js';

export interface WebSocketOptions {
  /** ws:// or wss://, also http(s)://, with or without a path in front of `path`. */
  url: string;
  path: string;
  query: Readonly<Record<string, string>>;
  token: string;
  timeoutMs: number;
}

/** A room with hundreds of participants has a JoinResponse of some hundred kB. */
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
const MAX_ERROR_TEXT_BYTES = 2048;

/** Opens the WebSocket, paused, with the token in its Authorization header, so that it stays out of access logs. Rejects with a RoomConnectError. */
export function openWebSocket(options: WebSocketOptions): Promise<{ socket: WebSocket; isLoopback: boolean }> {
  return new Promise((resolve, reject) => {
    let socket: WebSocket;
    try {
      socket = new WebSocket(addressOf(options), {
        headers: { Authorization: `Bearer ${options.token}` },
        handshakeTimeout: options.timeoutMs,
        perMessageDeflate: false,
        maxPayload: MAX_MESSAGE_BYTES,
      });
    } catch (cause) {
      reject(new RoomConnectError('refused', 'not a WebSocket address: it has to be ws:// or wss://', { cause }));
      return;
    }
    let isLoopback = false;
    let isAnswered = false;
    const timer = setTimeout(() => fail(noAnswer()), options.timeoutMs);
    const fail = (error: RoomConnectError): void => {
      clearTimeout(timer);
      socket.on('error', () => undefined);
      socket.terminate();
      reject(error);
    };
    socket.once('upgrade', (response) => {
      isLoopback = isLoopbackAddress(response.socket.remoteAddress);
    });
    socket.once('unexpected-response', (_request, response) => {
      isAnswered = true;
      const { statusCode = 0, headers } = response;
      void readText(response).then((text) => fail(fromStatus(statusCode, text, options.token, headers.location)));
    });
    socket.once('error', (error) => {
      if (!isAnswered) fail(fromNetwork(error));
    });
    socket.once('open', () => {
      clearTimeout(timer);
      socket.removeAllListeners();
      // The first frame can be in the same packet as the upgrade: it waits until somebody listens.
      socket.pause();
      resolve({ socket, isLoopback });
    });
  });
}

function addressOf({ url, path, query }: WebSocketOptions): URL {
  const address = new URL(url);
  if (address.protocol === 'http:') address.protocol = 'ws:';
  if (address.protocol === 'https:') address.protocol = 'wss:';
  address.pathname = `${address.pathname.replace(/\/$/, '')}${path}`;
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  return address;
}

function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined && (address === '::1' || /^(::ffff:)?127\./.test(address));
}

async function readText(response: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of response) {
      text += (chunk as Buffer).toString('utf8');
      if (text.length >= MAX_ERROR_TEXT_BYTES) break;
    }
  } catch {
    // What has come so far is good enough for an error text.
  }
  return text.slice(0, MAX_ERROR_TEXT_BYTES).trim();
}
