import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { messageOf } from '../../../common/errors.js';
import { isLoopbackHost } from '../../../daemon/http/http_address.js';
import { failure, ok, warning } from './check.js';
import type { Check, DoctorContext, Finding } from './check.js';

export interface MediaPortFacts {
  /** Why a datagram did not come back from our own socket; undefined: it did. */
  error?: string;
  /** Of the ports that the system gives out. */
  low: number;
  high: number;
  maxEngines: number;
  /** Other machines can be reached by an interface. */
  hasNetwork: boolean;
  /** A channel server is on another machine. */
  isRemote: boolean;
}

const ECHO_MS = 2_000;
/** Two peer connections with a socket for each of two addresses: an estimate. */
const PORTS_OF_AN_ENGINE = 4;

export const mediaPorts: Check = { name: 'media ports', run: look };

async function look({ config }: DoctorContext): Promise<Finding[]> {
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '32768 60999');
  const [low = 32_768, high = 60_999] = range.trim().split(/\s+/).map(Number);
  const interfaces = Object.values(os.networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const error = await echo();
  return judgeMediaPorts({
    ...(error === undefined ? {} : { error }),
    low,
    high,
    maxEngines: config['max-engines'],
    hasNetwork: interfaces.some(({ internal }) => !internal),
    isRemote: config['channel-server-url'].some(
      (url) => !isLoopbackHost(new URL(url).hostname.replace(/^\[|\]$/g, '')),
    ),
  });
}

/** Sends a datagram to itself, as two cores of one machine do. */
function echo(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const finish = (error?: string): void => {
      clearTimeout(timer);
      socket.close();
      resolve(error);
    };
    const timer = setTimeout(() => finish(`a datagram to 127.0.0.1 did not arrive in ${ECHO_MS} ms`), ECHO_MS);
    socket.once('error', (error) => finish(messageOf(error)));
    socket.once('message', () => finish());
    // All addresses, as media sockets are bound.
    socket.bind(0, () => socket.send('alirtc doctor', socket.address().port, '127.0.0.1'));
  });
}

export function judgeMediaPorts({ error, low, high, maxEngines, hasNetwork, isRemote }: MediaPortFacts): Finding[] {
  if (error !== undefined)
    return [failure(`UDP does not work: ${error}`, 'let UDP pass on this machine: firewall, seccomp, network policy')];
  if (isRemote && !hasNetwork)
    return [failure('the channel server is elsewhere, but there is no network beside loopback', 'connect the machine')];
  const ports = high - low + 1;
  const engines = Math.floor(ports / PORTS_OF_AN_ENGINE);
  const text = `UDP works; the system gives out ports ${low} to ${high}, enough for about ${engines} engines`;
  if (engines >= maxEngines) return [ok(text)];
  return [
    warning(`${text}, max-engines is ${maxEngines}`, 'widen it: sysctl net.ipv4.ip_local_port_range="32768 60999"'),
  ];
}
