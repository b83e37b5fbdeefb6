import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';
import type { Server } from '@grpc/grpc-js';
import type { ListenAddress } from '../config/listen_address.js';
import { isIP } from 'node:net';

/** Binds the server; returns the real address: the port that 0 became. */
export async function listen(server: Server, address: ListenAddress): Promise<ListenAddress> {
  if (address.kind === 'tcp') {
    const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
    return { ...address, port: await bind(server, `${host}:${address.port}`) };
  }
  mkdirSync(path.dirname(address.path), { recursive: true, mode: 0o700 });
  await removeStaleSocket(address.path);
  // Nobody else may connect in the moment between bind and chmod.
  const before = process.umask(0o177);
  try {
    await bind(server, `unix:${address.path}`);
  } finally {
    process.umask(before);
  }
  chmodSync(address.path, 0o600);
  return address;
}

/** Removes the socket's file, when it is one. */
export function removeSocket(address: ListenAddress): void {
  if (address.kind !== 'unix') return;
  try {
    if (lstatSync(address.path).isSocket()) unlinkSync(address.path);
  } catch {
    // It is gone already.
  }
}

function bind(server: Server, target: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(target, ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(new Error(`cannot listen on ${target}: ${error.message}`)),
    );
  });
}

/** A socket file that nobody listens on is left by a daemon that was killed. */
async function removeStaleSocket(file: string): Promise<void> {
  const isSocket = ((): boolean | undefined => {
    try {
      return lstatSync(file).isSocket();
    } catch {
      return undefined;
    }
  })();
  if (isSocket === undefined) return;
  if (!isSocket) throw new Error(`cannot listen on unix:${file}: there is a file that is no socket`);
  const inUse = await new Promise<boolean>((resolve) => {
    const socket = connect(file);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
  if (inUse) throw new Error(`cannot listen on unix:${file}: another daemon does`);
  unlinkSync(file);
}
