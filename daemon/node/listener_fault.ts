import { connect } from 'node:net';
import { parseListenAddress } from '../config/listen_address.js';

const CONNECT_MS = 2_000;

/** The first of our own addresses that takes no connection, and why: a socket's file may have been removed. Undefined: all do. */
export async function findListenerFault(addresses: readonly string[]): Promise<string | undefined> {
  const faults = await Promise.all(addresses.map(faultOf));
  return faults.find((fault) => fault !== undefined);
}

function faultOf(text: string): Promise<string | undefined> {
  const address = parseListenAddress(text);
  return new Promise((resolve) => {
    const socket =
      address.kind === 'unix' ? connect(address.path) : connect({ host: address.host, port: address.port });
    const finish = (fault?: string): void => {
      socket.destroy();
      resolve(fault);
    };
    socket.setTimeout(CONNECT_MS, () => finish(`${text} takes no connection in ${CONNECT_MS} ms`));
    socket.once('connect', () => finish());
    socket.once('error', (error) => finish(`${text}: ${error.message}`));
  });
}
