#!/usr/bin/env node
// Dies with the first command: by exit code 7, or by the signal that its parameter names.
import { onCommands, serve } from './common.mjs';

serve((socket) =>
  onCommands(socket, (message) => {
    console.error('assertion failed: engine != nullptr');
    if (message.Command === 21) process.kill(process.pid, message.param);
    else process.exit(7);
  }),
);
