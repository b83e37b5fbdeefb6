/** Which simulcast layer a subscriber gets. Qualities are LiveKit's: 0 low, 1 medium, 2 high. */

export interface WantedQuality {
  quality: number;
  /** 0: not asked for; else the lowest layer that is at least as large. */
  width: number;
  height: number;
}

export interface LayerState {
  /** Packets arrive. */
  active: boolean;
  /** 0: not known. */
  width: number;
  height: number;
}

const KNOWN_ORDER = ['q', 'h', 'f'];

/** Lowest first: LiveKit's names by their meaning, others in the order of the offer, which is lowest first in all known clients. */
export function orderRids(rids: readonly string[]): string[] {
  const known = rids.every((rid) => KNOWN_ORDER.includes(rid));
  return known ? [...rids].sort((a, b) => KNOWN_ORDER.indexOf(a) - KNOWN_ORDER.indexOf(b)) : [...rids];
}

/** The layer that is asked for, whether it is active or not: with two layers medium and high are the upper one. */
export function askedLayer(layers: readonly LayerState[], wanted: WantedQuality): number {
  const top = layers.length - 1;
  if (top <= 0) return 0;
  if (wanted.width > 0 && wanted.height > 0) {
    const pixels = wanted.width * wanted.height;
    const fits = layers.findIndex(({ width, height }) => width * height >= pixels);
    // Not known yet: rather too large for a moment than too small; and clients that ask for a size leave the quality at "low".
    return fits < 0 ? top : fits;
  }
  if (wanted.quality <= 0) return 0;
  return wanted.quality === 1 ? Math.min(1, top) : top;
}

/** The layer to forward: the one asked for, else the nearest active one below, else above; -1 when none is active. */
export function chooseLayer(layers: readonly LayerState[], wanted: WantedQuality): number {
  const asked = askedLayer(layers, wanted);
  for (let index = asked; index >= 0; index--) if (layers[index]?.active === true) return index;
  for (let index = asked + 1; index < layers.length; index++) if (layers[index]?.active === true) return index;
  return -1;
}
