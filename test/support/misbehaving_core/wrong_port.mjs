#!/usr/bin/env node
// Says a port on which nobody listens: one that was free a moment ago.
import { createServer } from 'node:net';
import { liveOn } from './common.mjs';

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  server.close(() => console.log(`Bind port: ${port}`));
});
liveOn();
