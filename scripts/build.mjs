// Builds what runs: one executable file a process, in dist/bin. `node scripts/build.mjs [name...]` builds only those.
//
// The core service and the channel server start often or must start fast, so everything but native files is bundled into them; the core's code is also
// compiled ahead (its launcher keeps a V8 code cache beside it). The daemon and the client keep their packages in node_modules.
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { build } from 'esbuild';
import { buildConsole } from './build_console.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const out = path.join(root, 'dist', 'bin');

const standalone = {
  format: 'cjs',
  external: ['@seydx/*', '*.node'],
  // CommonJS has no import.meta; the packages inside use only its url.
  define: { 'import.meta.url': '__importMetaUrl' },
  banner: { js: "#!/usr/bin/env node\nconst __importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
};
// The launcher compiles the core's code as it is in the file; the wrapper is Node's own of CommonJS modules.
const wrapped = {
  banner: {
    js: standalone.banner.js.replace(
      '#!/usr/bin/env node\n',
      '(function (exports, require, module, __filename, __dirname) {',
    ),
  },
  footer: { js: '})' },
};
// A node runs many cores, and each makes little garbage: a young generation of 1 MB instead of 16 costs no measurable time and saves 12 MB resident (720p30). So
// does one pool of native memory for all threads, which gives back what is free at its end: 3 MB.
const frugal = (flags) =>
  standalone.banner.js.replace('env node', `env -S MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=1048576 node ${flags}`);
// What a core does for each packet and picture stays slow with V8's own budget for a minute. With this one it needs 1 to 7 % less CPU for pictures of 720p30 from
// the eighth second on, 7 to 11 % from the fortieth (cores of both kinds side by side in one channel, five runs); a smaller one gains no more.
const CORE_FLAGS = '--max-semi-space-size=1 --interrupt-budget=20000';
const hosted = { format: 'esm', packages: 'external', banner: { js: '#!/usr/bin/env node' } };

const targets = {
  core: { entry: 'coreservice/bin/core_main.ts', file: 'alirtc-core.cjs', options: { ...standalone, ...wrapped } },
  launcher: {
    entry: 'coreservice/bin/launcher.ts',
    file: 'AliRtcCoreService',
    options: { ...standalone, minify: true, banner: { js: frugal(CORE_FLAGS) } },
  },
  channelserver: {
    entry: 'channelserver/main.ts',
    file: 'alirtc-channelserver',
    options: { ...standalone, banner: { js: frugal('--max-semi-space-size=2') } },
  },
  daemon: { entry: 'daemon/main.ts', file: 'alirtcd.mjs', options: hosted },
  client: {
    entry: 'client/cli/main.ts',
    file: 'alirtc.mjs',
    // What a command loads only when it runs (FFmpeg) lies in files of its own.
    options: { ...hosted, splitting: true, outExtension: { '.js': '.mjs' }, chunkNames: 'alirtc-parts/[name]-[hash]' },
  },
};

const wanted = process.argv.slice(2);
for (const name of wanted)
  if (!(name in targets) && name !== 'console')
    throw new Error(`no target "${name}"; there are ${[...Object.keys(targets), 'console'].join(', ')}`);
mkdirSync(out, { recursive: true });
// The executables without a suffix are CommonJS; the project's own package.json says otherwise for its folders.
writeFileSync(path.join(root, 'dist', 'package.json'), '{ "type": "commonjs" }\n');
for (const [name, { entry, file, options }] of Object.entries(targets)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  if (!existsSync(path.join(root, entry))) throw new Error(`${entry} is missing`);
  // The names of parts change with their content.
  if (options.splitting === true)
    rmSync(path.join(out, `${path.parse(file).name}-parts`), { recursive: true, force: true });
  const outfile = path.join(out, file);
  await build({
    absWorkingDir: root,
    // Splitting wants a folder instead of a file.
    ...(options.splitting === true
      ? { entryPoints: { [path.parse(file).name]: entry }, outdir: out }
      : { entryPoints: [entry], outfile }),
    bundle: true,
    platform: 'node',
    target: 'node20',
    sourcemap: name === 'launcher' ? false : 'linked',
    logLevel: 'warning',
    minifyWhitespace: options.format === 'cjs',
    minifySyntax: options.format === 'cjs',
    ...options,
  });
  chmodSync(outfile, 0o755);
}
if (wanted.length === 0 || wanted.includes('console')) await buildConsole(root);
cpSync(path.join(root, 'proto'), path.join(root, 'dist', 'proto'), { recursive: true });
// Compiles the core's code once, so that the first engine starts as fast as the next ones.
const launcher = path.join(out, 'AliRtcCoreService');
if (existsSync(launcher) && existsSync(path.join(out, 'alirtc-core.cjs')))
  execFileSync(launcher, ['--compile-cache'], { stdio: 'inherit' });
