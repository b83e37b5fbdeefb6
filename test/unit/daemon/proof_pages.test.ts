import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const targets = new Set([...readFileSync(`${ROOT}Makefile`, 'utf8').matchAll(/^([a-z-]+):/gm)].map(([, name]) => name));

/** The rows of the table behind "## Proof": claim, and what shows it. */
function proofs(page: string): { claim: string; shown: string }[] {
  const text = readFileSync(`${ROOT}docs/${page}`, 'utf8');
  const section = text.slice(text.indexOf('## Proof'));
  return section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (claim|---) /.test(line))
    .map((line) => {
      const [claim = '', shown = ''] = line.split(' | ');
      return { claim, shown };
    });
}

for (const page of ['operations.md', 'containers.md'])
  describe(`docs/${page}, Proof`, () => {
    it('names a test or a command for every claim', () => {
      assert.ok(proofs(page).length >= 7);
      const bare = proofs(page).filter(({ shown }) => !/test\/|make |security\.md|containers\.md|\.ya?ml/.test(shown));
      assert.deepEqual(
        bare.map(({ claim }) => claim),
        [],
      );
    });

    it('names files that are there, and targets of the Makefile', () => {
      const missing = proofs(page).flatMap(({ shown }) => [
        ...[...shown.matchAll(/\b(?:test|docker)\/[\w./]*\w/g)]
          .map(([path]) => path)
          .filter((path) => !existsSync(ROOT + path)),
        ...[...shown.matchAll(/`make ([a-z-]+)/g)].flatMap(([, target = '']) =>
          targets.has(target) ? [] : [`make ${target}`],
        ),
      ]);
      assert.deepEqual(missing, []);
    });
  });
