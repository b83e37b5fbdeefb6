import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that the system gives away by itself (ip_local_port_range), so that nobody gets one of them meanwhile. */
const LOWEST = 20_000;
const HIGHEST = 31_000;
const TRIES = 50;

/** `count` neighbouring ports of 127.0.0.1 that are free, for TCP and UDP; gives the first. Drawn at random: tests run beside one another. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const first = LOWEST + Math.floor((Math.random() * (HIGHEST - LOWEST)) / count) * count;
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const free = await Promise.all(ports.map((port) => isFree(port)));
    if (free.every(Boolean)) return first;
  }
  throw new Error(`no ${count} neighbouring free ports between ${LOWEST} and ${HIGHEST}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const socket = createSocket('udp4');
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    const closed = server.listening ? once(server, 'close') : undefined;
    server.close();
    socket.close();
    await closed;
  }
}
