import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode that a function runs through before V8 considers to optimize it. V8's own number is eleven times as much. */
const INTERRUPT_BUDGET = 12_000;

/**
 * What a call of media does, it does thirty times a second, for minutes: with V8's own settings most of that code runs unoptimized for the first minute, and some of it for good. Measured with
 * 720p30: a quarter less CPU of the daemon. To be called before the code runs.
 */
export function optimizeEarly(): void {
  setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
}
