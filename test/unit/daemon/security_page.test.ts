import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(`${ROOT}docs/security.md`, 'utf8');

/** The rows of the table of threats: what the last cell names, each `file`: "title", "title". */
function threats(): { threat: string; tests: { file: string; title: string }[] }[] {
  const table = page.slice(page.indexOf('## Threats'), page.indexOf('## Left open'));
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && !/^\| (threat|---) /.test(line));
  return rows.map((row) => {
    const cells = row.split(' | ');
    const named = (cells.at(-1) ?? '').split(/(?=`test\/)/).filter((part) => part.startsWith('`test/'));
    const tests = named.flatMap((part) => {
      const file = /^`([^`]+)`/.exec(part)?.[1] ?? '';
      return [...part.matchAll(/"([^"]+)"/g)].map(([, title = '']) => ({ file, title }));
    });
    return { threat: cells[0] ?? '', tests };
  });
}

describe('docs/security.md', () => {
  it('names a test for every threat', () => {
    const rows = threats();
    assert.ok(rows.length > 20);
    assert.deepEqual(
      rows.filter(({ tests }) => tests.length === 0).map(({ threat }) => threat),
      [],
    );
  });

  it('names tests that are there, by file and title', () => {
    const missing = threats()
      .flatMap(({ tests }) => tests)
      .filter(({ file, title }) => {
        if (!existsSync(ROOT + file)) return true;
        const source = readFileSync(ROOT + file, 'utf8').replaceAll('\\', '');
        return !["'", '"', '`'].some((quote) => source.includes(`it(${quote}${title}${quote}`));
      });
    assert.deepEqual(missing, []);
  });
});
