// Writes the manual pages into dist/man, from the commands of alirtc and the settings of alirtcd. SOURCE_DATE_EPOCH says their date.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createProgram } from '../client/cli/program.js';
import packageJson from '../package.json' with { type: 'json' };
import { alirtcPage } from './man/alirtc_page.js';
import { alirtcdPage } from './man/alirtcd_page.js';

const folder = fileURLToPath(new URL('../dist/man/', import.meta.url));
const epoch = process.env['SOURCE_DATE_EPOCH'];
const date = (epoch === undefined ? new Date() : new Date(Number(epoch) * 1000)).toISOString().slice(0, 10);
const facts = { version: packageJson.version, date };
const { program } = createProgram({
  print: () => undefined,
  note: () => undefined,
  signal: new AbortController().signal,
  env: {},
  readStdin: () => Promise.resolve(''),
  interactive: false,
});

mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}alirtc.1`, alirtcPage(program, facts));
writeFileSync(`${folder}alirtcd.8`, alirtcdPage(facts));
