import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { AlirtcError, messageOf } from '../../common/errors.js';

export interface ConnectOptions {
  /** 127.0.0.1 by default: a core service listens on localhost. */
  host?: string;
  port: number;
  /** How often to try; 20 by default. */
  attempts?: number;
  /** Between two attempts; 50 by default. */
  intervalMs?: number;
  /** For one attempt; 1,000 by default. */
  attemptTimeoutMs?: number;
  signal?: AbortSignal;
}

/** A connected socket. Rejects with unavailable after the last attempt, with cancelled when the signal is aborted. */
export async function connectWithRetry(options: ConnectOptions): Promise<Socket> {
  const { host = '127.0.0.1', port, attempts = 20, intervalMs = 50, attemptTimeoutMs = 1000, signal } = options;
  let last: unknown;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await delay(intervalMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
    if (signal?.aborted) throw cancelled(host, port, signal);
    try {
      return await connectOnce(host, port, attemptTimeoutMs, signal);
    } catch (error) {
      last = error;
    }
  }
  if (signal?.aborted) throw cancelled(host, port, signal);
  throw new AlirtcError(
    'unavailable',
    `nothing answers on ${host}:${port} after ${attempts} attempts: ${messageOf(last)}`,
    { reason: 'IPC_CONNECT_FAILED', field: 'port', value: String(port), cause: last },
  );
}

function cancelled(host: string, port: number, signal: AbortSignal): AlirtcError {
  return new AlirtcError('cancelled', `connecting to ${host}:${port} was cancelled`, {
    reason: 'IPC_CONNECT_CANCELLED',
    cause: signal.reason,
  });
}

function connectOnce(host: string, port: number, timeoutMs: number, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    const timer = setTimeout(() => settle(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const onAbort = (): void => settle(new Error('cancelled'));
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('connect', onConnect);
      if (error === undefined) {
        socket.off('error', settle);
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(error);
    };
    const onConnect = (): void => {
      // A port in the system's own range for outgoing connections that nobody listens on can be connected to itself (TCP's simultaneous
      // open, RFC 9293, section 3.5): that is nobody's answer.
      if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress)
        settle(new Error('connected to itself'));
      else settle();
    };
    socket.on('connect', onConnect);
    socket.on('error', settle);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
