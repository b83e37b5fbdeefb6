#!/usr/bin/env node
// Writes what is no protocol at all, as fast as the socket takes it.
import { Buffer } from 'node:buffer';
import { onCommands, serve } from './common.mjs';

const garbage = Buffer.alloc(65_536, '\u0000\u0000\u0000\u0010garbage! garbage', 'latin1');
serve((socket) => {
  const flood = () => {
    while (!socket.destroyed && socket.write(garbage));
  };
  socket.on('drain', flood);
  onCommands(socket, flood);
});
