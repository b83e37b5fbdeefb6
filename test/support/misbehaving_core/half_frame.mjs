#!/usr/bin/env node
// Closes the socket in the middle of a unit and lives on.
import { onCommands, serve, unit } from './common.mjs';

serve((socket) => onCommands(socket, () => socket.end(unit({ Request: 1018, warningCode: -1 }).subarray(0, 9))));
