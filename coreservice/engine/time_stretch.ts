/** Pitches from 200 Hz up have a whole period in this range, samples at 48 kHz. */
const SHORTEST = 96;
const WINDOW = 240;

/**
 * Makes a piece of sound (48 kHz, interleaved) shorter (wish below 0) or longer (above 0) by about the wished samples per channel, at most as many: it leaves out or repeats the piece
 * nearest to a period of the sound and fades over the joint, so that neither a click nor another pitch is heard. Unchanged when the piece is too short for it.
 */
export function stretch(samples: Int16Array, channels: number, wish: number): Int16Array {
  const longest = Math.min(Math.abs(wish), Math.floor(samples.length / channels) - WINDOW);
  if (longest < SHORTEST) return samples;
  const lag = bestLag(samples, channels, longest);
  return wish < 0 ? shorten(samples, channels, lag) : lengthen(samples, channels, lag);
}

/** The distance at which the sound is most like itself. */
function bestLag(samples: Int16Array, channels: number, longest: number): number {
  let best = longest;
  let bestScore = -Infinity;
  for (let lag = SHORTEST; lag <= longest; lag++) {
    let product = 0;
    let power = 1;
    // Every second sample of the first channel is enough to tell.
    for (let i = 0; i < WINDOW; i += 2) {
      const a = samples[i * channels] ?? 0;
      const b = samples[(i + lag) * channels] ?? 0;
      product += a * b;
      power += b * b;
    }
    const score = product / Math.sqrt(power);
    if (score > bestScore) {
      bestScore = score;
      best = lag;
    }
  }
  return best;
}

function shorten(samples: Int16Array, channels: number, lag: number): Int16Array {
  const out = samples.slice(lag * channels);
  for (let i = 0; i < WINDOW * channels; i++) out[i] = fade(samples, i, i + lag * channels, i / (WINDOW * channels));
  return out;
}

function lengthen(samples: Int16Array, channels: number, lag: number): Int16Array {
  const out = new Int16Array(samples.length + lag * channels);
  out.set(samples.subarray(0, lag * channels));
  for (let i = 0; i < WINDOW * channels; i++)
    out[i + lag * channels] = fade(samples, i + lag * channels, i, i / (WINDOW * channels));
  out.set(samples.subarray(WINDOW * channels), (WINDOW + lag) * channels);
  return out;
}

/** Between two places of the sound: 0 is the first, 1 the second. */
function fade(samples: Int16Array, from: number, to: number, share: number): number {
  return Math.round((samples[from] ?? 0) * (1 - share) + (samples[to] ?? 0) * share);
}
