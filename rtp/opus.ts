/** The length of Opus packets, RFC 6716 section 3.1. */

/** Samples at 48 kHz of one frame, by the five configuration bits of the TOC byte. */
function frameSamples(config: number): number {
  if (config >= 16) return 120 << (config & 3); // CELT: 2.5, 5, 10, 20 ms
  if (config >= 12) return 480 << (config & 1); // Hybrid: 10, 20 ms
  const step = config & 3; // SILK: 10, 20, 40, 60 ms
  return step === 3 ? 2880 : 480 << step;
}

/** How many samples per channel at 48 kHz a packet decodes to; 0 when it is empty or malformed. At most 5760 (120 ms). */
export function opusPacketSamples(packet: Buffer): number {
  const toc = packet[0];
  if (toc === undefined) return 0;
  const perFrame = frameSamples(toc >> 3);
  const code = toc & 3;
  if (code === 0) return perFrame;
  if (code !== 3) return 2 * perFrame;
  const second = packet[1];
  if (second === undefined) return 0;
  const samples = (second & 0x3f) * perFrame;
  return samples > 5760 ? 0 : samples;
}

/** The TOC byte's stereo flag. */
export function isOpusStereo(packet: Buffer): boolean {
  return ((packet[0] ?? 0) & 0x04) !== 0;
}
