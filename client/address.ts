import { homedir } from 'node:os';
import path from 'node:path';
import { invalidArgument } from './status_error.js';

/** The environment variable that names the daemon's address. */
export const ADDRESS_VARIABLE = 'ALIRTCD_ADDRESS';

/**
 * Where a client looks for the daemon when nothing is said: ALIRTCD_ADDRESS, else the daemon's default socket: alirtcd.sock in XDG_RUNTIME_DIR, or in the
 * daemon's state folder where there is none.
 */
export function defaultAddress(environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment[ADDRESS_VARIABLE];
  if (named !== undefined && named !== '') return named;
  const home = environment['HOME'] ?? homedir();
  const state = path.join(environment['XDG_STATE_HOME'] ?? path.join(home, '.local', 'state'), 'alirtcd');
  return `unix:${path.join(environment['XDG_RUNTIME_DIR'] ?? state, 'alirtcd.sock')}`;
}

/**
 * The gRPC target of an address: `unix:/path`, `host:port`, `tcp:host:port` or `tls:host:port` (IPv6 hosts in brackets). Throws INVALID_ARGUMENT for anything else.
 */
export function grpcTarget(address: string): string {
  if (address.startsWith('unix:')) {
    const socket = address.slice('unix:'.length).replace(/^\/\//, '');
    if (socket === '' || socket === '/') throw wrongAddress(address);
    return `unix:${path.resolve(socket)}`;
  }
  const hostPort = address.replace(/^(tcp|tls):(\/\/)?/, '');
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:/[\]\s]+):([0-9]{1,5})$/.exec(hostPort);
  const port = Number(match?.[2]);
  if (match === null || port < 1 || port > 65535) throw wrongAddress(address);
  return hostPort;
}

/** The daemon there speaks TLS. */
export function isTlsAddress(address: string): boolean {
  return address.startsWith('tls:');
}

function wrongAddress(address: string): Error {
  return invalidArgument(
    `"${address}" is not an address of a daemon`,
    'address',
    'use unix:/path/of/socket, host:port, tcp:host:port or tls:host:port',
  );
}
