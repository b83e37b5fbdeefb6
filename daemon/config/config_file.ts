import { readFileSync } from 'node:fs';
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, YAMLMap } from 'yaml';
import { messageOf } from '../../common/errors.js';
import { ConfigError } from './config_error.js';
import { nearestName } from './nearest_name.js';
import { ALIASES, SETTINGS } from './settings.js';

/** One setting of a file. */
export interface FileEntry {
  name: string;
  value: unknown;
  /** Counted from 1. */
  line: number;
  /** Of each entry of a list. */
  itemLines: readonly number[];
}

const NAMES = Object.keys(SETTINGS);

/** The settings of a YAML file. Throws ConfigError: not readable, not YAML, an unknown setting, one that is there twice. */
export function readConfigFile(file: string): FileEntry[] {
  const lines = new LineCounter();
  const document = parse(file, lines);
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return [];
  if (!isMap(contents)) throw new ConfigError(`config file ${file}: has to hold settings, "name: value" each`);
  const entries = [...entriesOf(contents, document, lines)];
  const faults: string[] = [];
  const seen = new Map<string, number>();
  for (const { name, line } of entries) {
    const before = seen.get(name);
    if (before !== undefined)
      faults.push(`${file}:${line}: ${name} is there twice (line ${before}, too); leave one out`);
    seen.set(name, line);
    if (!NAMES.includes(name)) faults.push(`${file}:${line}: ${unknownSetting(name)}`);
  }
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return entries;
}

function unknownSetting(name: string): string {
  const nearest = nearestName(name, NAMES);
  const hint = nearest === undefined ? `allowed: ${NAMES.join(', ')}` : `did you mean ${nearest}?`;
  return `${name} is not a setting; ${hint}`;
}

function parse(file: string, lines: LineCounter): Document {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`config file ${file}: ${messageOf(error).split('\n')[0] ?? ''}`);
  }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined)
    throw new ConfigError(`${file}:${lines.linePos(error.pos[0]).line}: is not YAML: ${error.message}`);
  return document;
}

/** The keys of maps inside of maps are joined by "-", and "_" is "-": `channel_server: {url: x}` is channel-server-url. */
function* entriesOf(
  map: YAMLMap,
  document: Document,
  lines: LineCounter,
  prefix = '',
): Generator<FileEntry, void, undefined> {
  const lineOf = (node: unknown): number => {
    const start = (node as { range?: [number, number, number] | null } | null)?.range?.[0];
    return start === undefined ? 1 : lines.linePos(start).line;
  };
  for (const { key, value } of map.items) {
    const written = isScalar(key) ? String(key.value) : String(key);
    const name = `${prefix}${written.replaceAll('_', '-')}`;
    if (isMap(value) && value.items.length > 0) yield* entriesOf(value, document, lines, `${name}-`);
    else {
      const plain: unknown = isMap(value) || isSeq(value) || isScalar(value) ? value.toJS(document) : value;
      const itemLines = isSeq(value) ? value.items.map(lineOf) : [];
      yield { name: ALIASES[name] ?? name, value: plain, line: lineOf(key), itemLines };
    }
  }
}
