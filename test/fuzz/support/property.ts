import { Random } from './random.js';

/** What has to hold for every input. `run` makes the input of one case and throws when it does not hold; a promise is awaited. */
export interface Property {
  name: string;
  run: (random: Random) => void | Promise<void>;
}

/** One case again: `make fuzz TARGET=... SEED=... CASE=property:index`. */
export async function runCase(property: Property, seed: number, index: number): Promise<void> {
  await property.run(new Random(`${seed}/${property.name}/${index}`));
}

/** CPU time that one case may take: it is milliseconds, so more is work that grows faster than its input. */
export const MAX_CASE_MS = 2000;

/** As runCase(); a case that takes too long fails. */
export async function runBoundedCase(property: Property, seed: number, index: number): Promise<void> {
  const before = process.cpuUsage();
  await runCase(property, seed, index);
  const { user, system } = process.cpuUsage(before);
  const tookMs = (user + system) / 1000;
  if (tookMs > MAX_CASE_MS) throw new Error(`took ${Math.round(tookMs)} ms of CPU`);
}
