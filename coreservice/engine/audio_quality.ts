/**
 * How a user's sound is heard, on the scale that the vendor's SDK has for networks: 0 excellent, 1 good, 2 poor, 3 bad, 4 very bad, 5 nothing comes, 6 unknown.
 */
export const AUDIO_QUALITY = { nothing: 5, unknown: 6 } as const;

/** Above these ratings a connection is best, high, medium or low (ITU-T G.109, table 1). */
const CLASSES = [90, 80, 70, 60] as const;
/** A connection without any impairment (ITU-T G.107, R0 - Is with the default values). */
const BEST_RATING = 93.2;
/** Per cent of random loss that halves what is left of the rating, for a decoder that conceals (ITU-T G.113, appendix I, G.711 with concealment). */
const LOSS_ROBUSTNESS = 25.1;

/** By the E-model (ITU-T G.107) from what was missing of the sound, 0 to 1, after retransmission, and the delay from mouth to ear. */
export function audioQuality(missingShare: number, delayMs: number): number {
  const lossPercent = 100 * Math.min(1, Math.max(0, missingShare));
  const byLoss = (95 * lossPercent) / (lossPercent + LOSS_ROBUSTNESS);
  // The common approximation of Idd: delay hurts mildly at first, and much when people begin to talk at the same time.
  const byDelay = 0.024 * delayMs + 0.11 * Math.max(0, delayMs - 177.3);
  const rating = BEST_RATING - byLoss - byDelay;
  const index = CLASSES.findIndex((least) => rating >= least);
  return index === -1 ? CLASSES.length : index;
}
