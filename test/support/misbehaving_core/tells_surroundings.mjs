#!/usr/bin/env node
// Prints how it was started, in one line of JSON, then behaves.
import { readdirSync, readlinkSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { serve } from './common.mjs';

const descriptors = readdirSync('/proc/self/fd').map((fd) => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return 'gone';
  }
});
const coreLimit = execFileSync('/bin/sh', ['-c', 'ulimit -S -c; ulimit -H -c'], { encoding: 'utf8' });
const { env, argv } = process;
console.log(JSON.stringify({ env, argv: argv.slice(2), folder: process.cwd(), descriptors, coreLimit }));
serve((socket) => socket.resume().on('close', () => process.exit(0)));
