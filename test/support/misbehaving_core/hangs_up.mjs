#!/usr/bin/env node
// Closes its socket between two messages with the first command, and lives on.
import { onCommands, serve } from './common.mjs';

serve((socket) => onCommands(socket, () => socket.end()));
