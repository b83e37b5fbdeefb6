#!/usr/bin/env node
// Announces a unit of nearly 4 GiB.
import { Buffer } from 'node:buffer';
import { onCommands, serve } from './common.mjs';

serve((socket) => onCommands(socket, () => socket.write(Buffer.from('fffffff0', 'hex'))));
