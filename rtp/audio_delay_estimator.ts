/** How much delay a stream of audio packets needs, from the times at which they come. */

export interface DelayLimits {
  minMs: number;
  maxMs: number;
  startMs: number;
}

const BUCKETS = 8;
const BUCKET_MS = 500;
/** After a longer pause nothing is known of the clocks any more. */
const MAX_BUCKET_AGE_MS = 10_000;
const BIN_MS = 5;
/** Weight that older packets keep with each new one: half of it is gone after about 3 s of packets of 20 ms. */
const KEEP = 0.9955;
/** Share of packets that must come in time. */
const IN_TIME = 0.97;
/** A packet that comes out of order was sent again, maybe: the delay does not grow further than this for its sake. */
const MAX_REPEAT_MS = 80;
/** How fast a target that a late packet has raised comes down again. */
const DECAY_MS_PER_S = 2;

/**
 * The delay of a packet is how much later it came than the fastest of the last four seconds did, by their RTP times: this follows a drift of
 * the clocks. The target is the delay that 97 % of the packets stay below, and at once more when one came too late to be played.
 */
export class AudioDelayEstimator {
  targetMs: number;
  private readonly bins: Float64Array;
  private weight = 0;
  private buckets: { sinceMs: number; minimumMs: number }[] = [];
  private peakMs = 0;
  private peakAtMs = 0;

  constructor(private readonly limits: DelayLimits) {
    this.targetMs = limits.startMs;
    this.bins = new Float64Array(Math.ceil(limits.maxMs / BIN_MS) + 1);
    this.reset();
  }

  /** Transit of the fastest recent packet: arrival minus RTP time, in ms; undefined before the first packet. */
  get fastestTransitMs(): number | undefined {
    let fastest = Infinity;
    for (const bucket of this.buckets) if (bucket.minimumMs < fastest) fastest = bucket.minimumMs;
    return fastest === Infinity ? undefined : fastest;
  }

  /** Returns the delay that the packet would have needed. */
  onPacket(transitMs: number, arrivalMs: number, isInOrder: boolean): number {
    while (this.buckets[0] !== undefined && arrivalMs - this.buckets[0].sinceMs > MAX_BUCKET_AGE_MS)
      this.buckets.shift();
    const bucket = this.buckets.at(-1);
    if (bucket === undefined || arrivalMs - bucket.sinceMs >= BUCKET_MS) {
      this.buckets.push({ sinceMs: arrivalMs, minimumMs: transitMs });
      if (this.buckets.length > BUCKETS) this.buckets.shift();
    } else if (transitMs < bucket.minimumMs) {
      bucket.minimumMs = transitMs;
    }
    const measuredMs = transitMs - (this.fastestTransitMs ?? transitMs);
    const delayMs = isInOrder ? measuredMs : Math.min(measuredMs, MAX_REPEAT_MS);
    this.count(delayMs);
    this.update(arrivalMs);
    return delayMs;
  }

  /** A packet came this much too late to be played. */
  onLate(delayMs: number, nowMs: number): void {
    const needed = Math.min(delayMs + BIN_MS, this.limits.maxMs);
    if (needed > this.peakNow(nowMs)) {
      this.peakMs = needed;
      this.peakAtMs = nowMs;
    }
    this.update(nowMs);
  }

  reset(): void {
    this.buckets = [];
    this.peakMs = 0;
    this.targetMs = this.limits.startMs;
    // As if 50 packets had needed the start value: the first real ones move it gently.
    this.bins.fill(0);
    this.weight = 50;
    this.bins[this.binOf(this.limits.startMs - BIN_MS)] = 50;
  }

  private binOf(delayMs: number): number {
    return Math.min(Math.max(Math.floor(delayMs / BIN_MS), 0), this.bins.length - 1);
  }

  private count(delayMs: number): void {
    for (let i = 0; i < this.bins.length; i++) this.bins[i] = (this.bins[i] ?? 0) * KEEP;
    const bin = this.binOf(delayMs);
    this.bins[bin] = (this.bins[bin] ?? 0) + 1;
    this.weight = this.weight * KEEP + 1;
  }

  private update(nowMs: number): void {
    let sum = 0;
    let bin = 0;
    for (; bin < this.bins.length - 1; bin++) {
      sum += this.bins[bin] ?? 0;
      if (sum >= this.weight * IN_TIME) break;
    }
    const wanted = Math.max((bin + 1) * BIN_MS, this.peakNow(nowMs));
    this.targetMs = Math.min(Math.max(wanted, this.limits.minMs), this.limits.maxMs);
  }

  private peakNow(nowMs: number): number {
    return this.peakMs - ((nowMs - this.peakAtMs) * DECAY_MS_PER_S) / 1000;
  }
}
