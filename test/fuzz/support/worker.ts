/** `worker.ts <target> <seed> <first case> <deadline> <progress file>`: runs properties, tells findings to its parent. */
import { PROPERTIES } from '../properties/all.js';
import { Progress } from './progress.js';
import { runBoundedCase } from './property.js';

const [target = '', seedText = '', from = '', deadline = '', file = ''] = process.argv.slice(2);
const properties = PROPERTIES[target] ?? [];
const seed = Number(seedText);
const progress = new Progress(file);
let current = '';
const tell = (text: string): void => void process.send?.({ case: current, text });
// What a case leaves behind and throws later belongs to it or to one just before.
process.on('uncaughtException', (error) => tell(`uncaught: ${error.stack}`));
process.on('unhandledRejection', (error) => tell(`unhandled: ${error instanceof Error ? error.stack : String(error)}`));

/** As many as are told of one property. */
const told = new Map<string, number>();
for (let index = Number(from); Date.now() < Number(deadline); index++) {
  const property = properties[index % properties.length];
  if (property === undefined) break;
  progress.set(index);
  current = `${property.name}:${index}`;
  try {
    await runBoundedCase(property, seed, index);
  } catch (error) {
    const count = (told.get(property.name) ?? 0) + 1;
    told.set(property.name, count);
    if (count <= 2) tell(error instanceof Error ? (error.stack ?? error.message).slice(0, 3000) : String(error));
  }
  // Timers and promises of the cases run now and then.
  if (index % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
}
process.exit(0);
