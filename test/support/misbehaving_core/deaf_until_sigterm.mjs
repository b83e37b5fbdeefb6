#!/usr/bin/env node
// Only SIGTERM ends it.
import { serve } from './common.mjs';

serve((socket) => socket.resume());
