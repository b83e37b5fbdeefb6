#!/usr/bin/env node
// Starts, and never says its port.
import { liveOn } from './common.mjs';

console.error('still looking for libAliRtc.so');
liveOn();
