#!/usr/bin/env node
// Does what a core service has to, the first time that it runs in its working folder; every later time it dies as soon as it is told anything.
import { existsSync, writeFileSync } from 'node:fs';
import { onCommands, serve, unit } from './common.mjs';

const ran = existsSync('ran');
writeFileSync('ran', '');
serve((socket) => {
  socket.on('close', () => process.exit(0));
  onCommands(socket, ({ Command }) => {
    if (ran) {
      console.error('assertion failed: restarted != true');
      process.exit(7);
    }
    if (Command === 40) socket.write(unit({ Request: 1040, sdkVersion: 'helper' }));
    if (Command === 23) process.exit(0);
  });
});
