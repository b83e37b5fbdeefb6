import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode that a function runs through before V8 considers to optimize it. V8's own number is eleven times as much. */
const INTERRUPT_BUDGET = 12_000;
/** How much larger than what is left of the heap by a full collection it may be at the next one. */
const HEAP_GROWING_PERCENT = 300;

/**
 * What a process does for each picture, it does thirty times a second: with V8's own budget most of that code runs unoptimized for minutes. Measured with one stream of 720p30: the daemon
 * needs 10 ms/s from the 18th second on instead of 15. Cores have a budget of their own (scripts/build.mjs).
 *
 * And pictures are memory that is forgotten at once, but V8 counts it as growth of the heap until it has collected the young: with pictures of 720p30 pushed and read by gRPC the daemon collected
 * everything, all the time, from the second minute on, and needed 300 ms/s instead of 90.
 */
export function tuneForPictures(): void {
  setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
}
