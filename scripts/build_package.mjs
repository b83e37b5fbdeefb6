// What the npm package has beyond the executables: the client as modules with their types, in dist/lib. `node scripts/build_package.mjs`, after the build.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const out = path.join(root, 'dist', 'lib');
const entries = ['client/index.ts', 'client/media/index.ts'];

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
// dist as a whole is CommonJS; so this folder says what it is, to Node and to TypeScript.
writeFileSync(path.join(out, 'package.json'), '{ "type": "module" }\n');
const config = path.join(root, '.cache', 'tsconfig.package.json');
mkdirSync(path.dirname(config), { recursive: true });
writeFileSync(
  config,
  JSON.stringify({
    extends: '../tsconfig.json',
    compilerOptions: {
      noEmit: false,
      incremental: false,
      tsBuildInfoFile: null,
      declaration: true,
      rootDir: '..',
      outDir: '../dist/lib',
      types: ['node'],
      typeRoots: ['../node_modules/@types'],
    },
    files: entries.map((entry) => path.join('..', entry)),
    include: [],
  }),
);
execFileSync(process.execPath, [path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', config], {
  stdio: 'inherit',
});
