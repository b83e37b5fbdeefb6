#!/usr/bin/env node
// Passes over DESTROY_ENGINE and ends when its socket does.
import { serve } from './common.mjs';

serve((socket) => socket.resume().on('close', () => process.exit(0)));
