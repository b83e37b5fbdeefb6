import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalidArgument } from '../status_error.js';

/** Beside the built program (dist/bin, dist/proto), or in the sources (client/cli, proto). */
const CANDIDATES = ['../proto', '../../proto'];

export function protoFolder(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const found = CANDIDATES.map((folder) => path.resolve(here, folder)).find((folder) =>
    existsSync(path.join(folder, 'alirtc', 'v1')),
  );
  if (found === undefined)
    throw invalidArgument('the .proto files are not beside this program', 'proto', 'name their folder with --proto');
  return found;
}
