/** Sequence numbers (16 bits) and timestamps (32 bits) that wrap around: RFC 3550 section 5.1, RFC 1982. */

/** How far `b` is after `a`, -32768 to 32767: positive when b is newer. */
export function sequenceDistance(a: number, b: number): number {
  return ((b - a) << 16) >> 16;
}

/** How far `b` is after `a` in 32-bit timestamps, -2^31 to 2^31-1. */
export function timestampDistance(a: number, b: number): number {
  return (b - a) | 0;
}

/**
 * Turns 16-bit numbers into numbers that do not wrap. Each is taken as the one nearest to the number before. The first stays as it is, so
 * that `unwrapped mod 2^16` is always the number on the wire; numbers before the first may be negative.
 */
export class SequenceUnwrapper {
  private last: number | undefined;

  unwrap(sequence: number): number {
    this.last = this.peek(sequence);
    return this.last;
  }

  /** As unwrap(), but the number is not remembered: for packets that may turn out to be garbage. */
  peek(sequence: number): number {
    if (this.last === undefined) return sequence;
    return this.last + sequenceDistance(this.last, sequence);
  }

  reset(): void {
    this.last = undefined;
  }
}

/** The same for 32-bit timestamps. Exact up to 2^53. */
export class TimestampUnwrapper {
  private last: number | undefined;

  unwrap(timestamp: number): number {
    this.last = this.peek(timestamp);
    return this.last;
  }

  peek(timestamp: number): number {
    if (this.last === undefined) return timestamp;
    return this.last + timestampDistance(this.last, timestamp);
  }

  reset(): void {
    this.last = undefined;
  }
}
