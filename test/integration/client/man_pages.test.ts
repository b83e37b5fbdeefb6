import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { completionModel } from '../../../client/cli/completion/model.js';
import { createProgram } from '../../../client/cli/program.js';
import { SETTINGS } from '../../../daemon/config/settings.js';
import { alirtcPage } from '../../../scripts/man/alirtc_page.js';
import { alirtcdPage } from '../../../scripts/man/alirtcd_page.js';
import { escaped, item, marked, text } from '../../../scripts/man/roff.js';

const run = promisify(execFile);
const FACTS = { version: '1.2.3', date: '2026-01-02' };
const io = {
  print: () => undefined,
  note: () => undefined,
  signal: new AbortController().signal,
  env: {},
  readStdin: () => Promise.resolve(''),
  interactive: false,
};

/** What finds mistakes in a page, and how: each says nothing of one that is right. */
const CHECKERS: readonly [string, (file: string) => string[]][] = [
  ['man', (file) => ['--warnings', '-l', file]],
  ['mandoc', (file) => ['-Tlint', '-Wwarning', file]],
  ['groff', (file) => ['-man', '-ww', '-Tutf8', file]],
];

async function isMissing(tool: string): Promise<boolean> {
  return run('sh', ['-c', `command -v ${tool}`]).then(
    () => false,
    () => true,
  );
}

describe('the manual pages', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'man-'));
  const { program } = createProgram(io);
  const pages = { 'alirtc.1': alirtcPage(program, FACTS), 'alirtcd.8': alirtcdPage(FACTS) };
  before(() => {
    for (const [name, page] of Object.entries(pages)) writeFileSync(path.join(folder, name), page);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('have every command and option of alirtc, and every setting of alirtcd', () => {
    for (const { path: command, options } of completionModel(program)) {
      if (command === 'help') continue;
      assert.ok(pages['alirtc.1'].includes(marked(`alirtc ${command}`.trim())), command);
      for (const { flags } of options) {
        const long = flags[0] ?? '';
        if (long !== '--help') assert.ok(pages['alirtc.1'].includes(`\\fB${escaped(long)}\\fR`), `${command} ${long}`);
      }
    }
    for (const name of Object.keys(SETTINGS)) assert.ok(pages['alirtcd.8'].includes(escaped(`--${name}`)), name);
  });

  it('say the values that an option takes, what it is by default, and what SIGHUP takes', () => {
    const [alirtc, alirtcd] = [pages['alirtc.1'], pages['alirtcd.8']].map((page) => page.replaceAll('\n', ' '));
    assert.match(alirtc ?? '', /One of cpu, memory, load, streams, engine, channel\. Default cpu\./);
    assert.match(alirtc ?? '', /ALIRTCD_ADDRESS.{0,40}As \\-\\-address, which goes before it\./);
    assert.match(alirtcd ?? '', /max\\-engines.{0,120}Takes a whole number from 1 to 10000\. SIGHUP\./);
  });

  it('hold texts that roff takes for text', () => {
    assert.equal(escaped('a\\b --c ~d'), 'a\\eb \\-\\-c \\(tid');
    assert.deepEqual(text('.SH is no heading'), ['\\&.SH is no heading']);
    assert.ok(text('word '.repeat(100)).every((line) => line.length <= 80));
    assert.deepEqual(item('-a, --all <what>', 'All.'), [
      '.TP',
      '\\fB\\-a\\fR, \\fB\\-\\-all\\fR \\fI<what>\\fR',
      'All.',
    ]);
  });

  for (const [tool, args] of CHECKERS)
    it(`are without fault for ${tool}, where it is installed`, async function () {
      if (await isMissing(tool)) {
        console.log(`      not tried: ${tool} is not installed (Debian: man-db, mandoc, groff)`);
        return this.skip();
      }
      for (const name of Object.keys(pages)) {
        const options = { env: { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '100' }, timeout: 50_000 };
        const { stdout, stderr } = await run(tool, args(path.join(folder, name)), options);
        assert.equal(stderr, '', name);
        if (tool === 'mandoc') assert.equal(stdout, '', name);
        // Bold is written as letters over letters.
        else assert.match(stdout.replaceAll(/.[\b]/g, ''), /SYNOPSIS/);
      }
      // It would find one.
      const bad = path.join(folder, 'bad.1');
      writeFileSync(bad, `${readFileSync(path.join(folder, 'alirtc.1'), 'utf8')}.no_such_macro\n`);
      const found = await run(tool, args(bad)).then(
        ({ stdout, stderr }) => stdout + stderr,
        (error: unknown) => String((error as { stdout: string }).stdout) + String(error),
      );
      assert.match(found, /no_such_macro/);
    });
});
