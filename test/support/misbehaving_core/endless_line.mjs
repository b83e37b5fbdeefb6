#!/usr/bin/env node
// Prints megabytes without a newline to both streams before it is ready, then behaves.
import { Buffer } from 'node:buffer';
import { serve } from './common.mjs';

const megabyte = Buffer.alloc(1 << 20, 'x');
for (let index = 0; index < 4; index++) process.stderr.write(megabyte);
let left = 4;
const more = () => {
  if (left-- > 0) process.stdout.write(megabyte, more);
  else {
    process.stdout.write('\n');
    serve((socket) => socket.resume().on('close', () => process.exit(0)));
  }
};
more();
