#!/usr/bin/env node
// Heeds neither DESTROY_ENGINE nor the end of its socket nor SIGTERM.
import { serve } from './common.mjs';

process.on('SIGTERM', () => console.log('SIGTERM passed over'));
serve((socket) => socket.resume());
