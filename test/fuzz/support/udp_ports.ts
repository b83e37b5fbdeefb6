import { footprintOf } from '../../integration/bad_input/footprint.js';

/** Where a process and its children take datagrams. */
export function portsOf(pid: number): number[] {
  return footprintOf(pid).sockets.flatMap((socket) => (socket.startsWith('udp ') ? [Number(socket.slice(4))] : []));
}
