import { setFlagsFromString } from 'node:v8';

/** How much larger than what is left of the heap by a full collection it may be at the next one. */
const HEAP_GROWING_PERCENT = 300;

let isSet = false;

/**
 * For processes through which pictures go in buffers of their own, new ones each. They are forgotten at once, but V8 counts them as growth of the heap until it has collected the young, and allows a small
 * heap 8 MB: from some minute on it collects everything, all the time, and for ever. Measured with pictures of 720p30 that are pushed, and read by gRPC: the daemon needed 300 ms of CPU a second instead of 90,
 * the pushing core 400 instead of 200.
 */
export function letHeapGrow(): void {
  if (isSet) return;
  isSet = true;
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
}
