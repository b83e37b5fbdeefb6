#!/usr/bin/env node
// Does what a core service has to: tells its version, ends with DESTROY_ENGINE or its socket, and prints a log line for each command.
import { onCommands, serve, unit } from './common.mjs';

console.error('{"level":"warn","msg":"starting","engine":"e1"}');
serve((socket) => {
  socket.on('close', () => process.exit(0));
  onCommands(socket, ({ Command }) => {
    console.log(`command ${Command}`);
    if (Command === 40) socket.write(unit({ Request: 1040, sdkVersion: 'helper' }));
    if (Command === 23) process.exit(0);
  });
});
