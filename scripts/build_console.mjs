// Builds the console into dist/console: an index.html that names the other files, whose names change with their content, each also compressed beside it. The
// daemon serves the folder as it is. LiveKit's client, the largest part, is a file of its own that the page loads when a person joins a channel.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Of everything that a viewer loads, compressed. */
const MAX_GZIPPED_BYTES = 400_000;

export async function buildConsole(root) {
  const out = path.join(root, 'dist', 'console');
  mkdirSync(out, { recursive: true });
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { app: 'console/main.tsx' },
    outdir: out,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    write: false,
  });
  const files = new Map(outputFiles.map((file) => [path.basename(file.path), Buffer.from(file.contents)]));
  files.set('icon.svg', readFileSync(path.join(root, 'console', 'icon.svg')));
  files.set('index.html', Buffer.from(indexPage(root, metafile)));
  const packed = new Map(
    [...files].map(([name, content]) => [`${name}.gz`, gzipSync(content, { level: constants.Z_BEST_COMPRESSION })]),
  );
  const bytes = [...packed.values()].reduce((sum, { length }) => sum + length, 0);
  if (bytes > MAX_GZIPPED_BYTES) throw new Error(`the console has ${bytes} bytes compressed, of ${MAX_GZIPPED_BYTES}`);
  // The page last: it names files that are there.
  const all = [...packed, ...[...files].filter(([name]) => name !== 'index.html')];
  for (const [name, content] of [...all, ['index.html', files.get('index.html')]])
    writeFileSync(path.join(out, name), content);
  for (const name of readdirSync(out))
    if (!files.has(name) && !packed.has(name)) rmSync(path.join(out, name), { force: true });
}

function indexPage(root, { outputs }) {
  const template = readFileSync(path.join(root, 'console', 'index.html'), 'utf8');
  const [script, { cssBundle }] = Object.entries(outputs).find(
    ([, { entryPoint }]) => entryPoint === 'console/main.tsx',
  );
  return template
    .replace('%SCRIPT%', `/assets/${path.basename(script)}`)
    .replace('%STYLE%', `/assets/${path.basename(cssBundle)}`);
}
