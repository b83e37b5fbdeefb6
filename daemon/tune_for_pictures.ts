import { setFlagsFromString } from 'node:v8';
import { letHeapGrow } from '../common/heap_growth.js';

/** Bytes of bytecode that a function runs through before V8 considers to optimize it. V8's own number is eleven times as much. */
const INTERRUPT_BUDGET = 12_000;

/**
 * What a process does for each picture, it does thirty times a second: with V8's own budget most of that code runs unoptimized for minutes. Measured with one stream of 720p30: the daemon
 * needs 10 ms/s from the 18th second on instead of 15. Cores have a budget of their own (scripts/build.mjs).
 */
export function tuneForPictures(): void {
  setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
  letHeapGrow();
}
