import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, isIP } from 'node:net';
import path from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';
import type { Server } from '@grpc/grpc-js';
import { messageOf } from '../../common/errors.js';
import { makeFolder } from '../../common/make_folder.js';
import type { ListenAddress } from '../config/listen_address.js';
import type { CertificateFiles } from './certificate_files.js';

export interface ListenOptions {
  /** Of a Unix socket, octal: "0600". */
  socketMode: string;
  /** Of the tls: listeners. */
  certificates?: CertificateFiles | undefined;
}

/** Binds the server; returns the real address: the port that 0 became. */
export async function listen(server: Server, address: ListenAddress, options: ListenOptions): Promise<ListenAddress> {
  if (address.kind !== 'unix') {
    const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
    return { ...address, port: await bind(server, `${host}:${address.port}`, credentialsOf(address, options)) };
  }
  const mode = parseInt(options.socketMode, 8);
  makeSocketFolder(address.path);
  await removeStaleSocket(address.path);
  // Nobody else may connect in the moment between bind and chmod.
  const before = process.umask(0o177);
  try {
    await bind(server, `unix:${address.path}`, ServerCredentials.createInsecure());
  } finally {
    process.umask(before);
  }
  chmodSync(address.path, mode);
  return address;
}

function credentialsOf(address: ListenAddress, { certificates }: ListenOptions): ServerCredentials {
  if (address.kind !== 'tls') return ServerCredentials.createInsecure();
  if (certificates === undefined) throw new Error('TLS needs tls-cert and tls-key');
  return certificates.credentials;
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

function bind(server: Server, target: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(target, credentials, (error, port) =>
      error === null ? resolve(port) : reject(new Error(`cannot listen on ${target}: ${error.message}`)),
    );
  });
}

function makeSocketFolder(file: string): void {
  try {
    makeFolder(path.dirname(file), 0o700);
  } catch (error) {
    throw new Error(`cannot listen on unix:${file}: ${messageOf(error)}`, { cause: error });
  }
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
