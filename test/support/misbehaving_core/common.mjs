// What the helper processes share: they stand in for a core service and misbehave on demand.
import { Buffer } from 'node:buffer';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers';

const LIFETIME_MS = 30_000;

/** Lives on without anything to do, but never longer than half a minute: a test that fails leaves nothing behind. */
export function liveOn() {
  setTimeout(() => process.exit(99), LIFETIME_MS);
}

/** Listens where it was told to and says so; hands over the host's socket. */
export function serve(onSocket) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    onSocket(socket, server);
  });
  server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log(`Bind port: ${server.address().port}`));
  liveOn();
}

/** A message as one unit. */
export function unit(message) {
  const body = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

/** Calls back with every JSON message; enough for messages without payload. */
export function onCommands(socket, onCommand) {
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
      const end = 4 + bytes.readUInt32BE(0);
      const message = JSON.parse(bytes.toString('utf8', 4, end));
      bytes = bytes.subarray(end);
      onCommand(message);
    }
  });
}
