import { DisconnectReason, SignalResponse, type JoinResponse, type ReconnectResponse } from '@livekit/protocol';
import type { WebSocket } from 'ws';
import { RoomConnectError } from '../connect_error.js';
import { openWebSocket, type WebSocketOptions } from './open_web_socket.js';

type SignalMessage = SignalResponse['message'];
type ReadFirst<T> = (data: Buffer, isBinary: boolean) => T;

/** A WebSocket, paused, with its first message read. Leaves nothing open when it rejects. */
export async function openWithFirst<T extends object>(options: WebSocketOptions, read: ReadFirst<T>) {
  const deadline = performance.now() + options.timeoutMs;
  const { socket, isLoopback } = await openWebSocket(options);
  try {
    return { socket, isLoopback, ...(await firstMessage(socket, Math.max(1, deadline - performance.now()), read)) };
  } catch (error) {
    socket.on('error', () => undefined);
    socket.terminate();
    throw error;
  }
}

/** Waits for the answer to the join, which is the first message of every LiveKit server; others behind it in the same packet are kept. */
function firstMessage<T extends object>(
  socket: WebSocket,
  timeoutMs: number,
  read: ReadFirst<T>,
): Promise<{ first: T; rest: Buffer[] }> {
  return new Promise((resolve, reject) => {
    let join: T | undefined;
    const rest: Buffer[] = [];
    const finish = (error?: RoomConnectError): void => {
      clearTimeout(timer);
      socket.off('message', onMessage).off('close', onClose).off('error', onError);
      if (error !== undefined) reject(error);
      else if (join !== undefined) resolve({ first: join, rest });
    };
    const onClose = (code: number): void =>
      finish(
        new RoomConnectError(
          'protocol',
          `it closed the connection before its JoinResponse (${code}): its log says why`,
        ),
      );
    const onError = (error: Error): void => finish(new RoomConnectError('protocol', error.message));
    const onMessage = (data: Buffer, isBinary: boolean): void => {
      if (join !== undefined) {
        rest.push(data);
        return;
      }
      try {
        join = read(data, isBinary);
        // Frames of the same packet are delivered synchronously: they are collected until this stack is done. Later ones wait.
        socket.pause();
        queueMicrotask(() => finish());
      } catch (error) {
        finish(error instanceof RoomConnectError ? error : new RoomConnectError('protocol', String(error)));
      }
    };
    const timer = setTimeout(
      () =>
        finish(
          new RoomConnectError(
            'timeout',
            'it took the connection, but sent no JoinResponse in time: is it overloaded, or does a proxy hold messages back?',
          ),
        ),
      timeoutMs,
    );
    socket.on('message', onMessage).on('close', onClose).on('error', onError);
    socket.resume();
  });
}

function readFirst(data: Buffer, isBinary: boolean): SignalMessage {
  if (!isBinary)
    throw new RoomConnectError(
      'protocol',
      'it is a WebSocket server that sends text: the URL has to be that of a LiveKit server',
    );
  let message: SignalMessage;
  try {
    message = SignalResponse.fromBinary(data).message;
  } catch (cause) {
    throw new RoomConnectError(
      'protocol',
      'it is a WebSocket server, but does not speak the LiveKit protocol: the URL has to be that of a LiveKit server',
      { cause },
    );
  }
  if (message.case !== 'leave') return message;
  throw new RoomConnectError('server', `it refused the join: ${DisconnectReason[message.value.reason]}`);
}

export function readJoin(data: Buffer, isBinary: boolean): JoinResponse {
  const message = readFirst(data, isBinary);
  if (message.case !== 'join')
    throw new RoomConnectError('protocol', `the first message is "${message.case ?? 'unknown'}", not a JoinResponse`);
  if (message.value.participant === undefined || message.value.room === undefined)
    throw new RoomConnectError('protocol', 'a JoinResponse without room or participant');
  return message.value;
}

export function readReconnect(data: Buffer, isBinary: boolean): ReconnectResponse {
  const message = readFirst(data, isBinary);
  if (message.case === 'reconnect') return message.value;
  throw new RoomConnectError(
    'server',
    `it does not resume a stay: its first message is "${message.case ?? 'unknown'}"`,
  );
}
