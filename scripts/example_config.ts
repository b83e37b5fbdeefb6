// Writes docs/alirtcd.example.yaml from the schema; with --check only says whether it is the same.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { exampleConfig } from '../daemon/config/example_config.js';

const file = fileURLToPath(new URL('../docs/alirtcd.example.yaml', import.meta.url));
const text = exampleConfig();

if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  process.stderr.write('docs/alirtcd.example.yaml is not what the schema says; run `tsx scripts/example_config.ts`\n');
  process.exitCode = 1;
}
