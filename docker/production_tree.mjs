// The folder that an image runs from: the built executables, the proto, and of node_modules only what these load. `node docker/production_tree.mjs <folder>`,
// after the build.
//
// Core service and channel server have their packages inside, but for the native one; the daemon and the client load theirs. So whole packages of
// "dependencies" are never loaded. What is taken is reckoned, not listed: the imports of the built files, and from there the dependencies of each package.
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [target] = process.argv.slice(2);
if (target === undefined) throw new Error('name the folder to make');

/** Sources, types and maps of sources: nothing of it is ever loaded. */
const UNUSED = /\.(map|[cm]?ts|tsx|flow|md|markdown|tsbuildinfo)$/i;
const LICENCE = /^(licen[cs]e|notice|copying)/i;

/** "@scope/name" of "@scope/name/some/file.js". */
const packageOf = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

async function importedPackages() {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['alirtcd.mjs', 'alirtc.mjs'].map((name) => path.join('dist', 'bin', name)),
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    write: false,
    outdir: 'unused',
    metafile: true,
    logLevel: 'error',
  });
  const imports = Object.values(metafile.inputs).flatMap((file) => file.imports);
  return new Set(
    imports
      .filter(({ external, path: name }) => external === true && !isBuiltin(name))
      .map(({ path: name }) => packageOf(name)),
  );
}

/** Where Node finds a package from a folder: in the nearest node_modules upwards. */
function locate(name, from) {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name);
    if (existsSync(path.join(candidate, 'package.json'))) return candidate;
    if (folder === root) return undefined;
  }
}

/** The folders of these packages and of all that they depend on. Optional ones count where they are installed: the native package of this platform is one. */
function reachable(names) {
  const found = new Set();
  const visit = (name, from, isRequired) => {
    const folder = locate(name, from);
    if (folder === undefined) {
      if (isRequired)
        throw new Error(`${name}, wanted by ${path.relative(root, from) || 'the program'}, is not installed`);
      return;
    }
    if (found.has(folder)) return;
    found.add(folder);
    const {
      dependencies = {},
      optionalDependencies = {},
      peerDependencies = {},
    } = readJson(path.join(folder, 'package.json'));
    for (const dependency of Object.keys(dependencies))
      visit(dependency, folder, !(dependency in optionalDependencies));
    for (const dependency of Object.keys({ ...optionalDependencies, ...peerDependencies }))
      visit(dependency, folder, false);
  };
  for (const name of names) visit(name, root, true);
  return [...found].sort();
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** A package without the packages inside of it: those that are needed come by themselves. */
function copyPackage(folder) {
  const inside = path.join(folder, 'node_modules');
  cpSync(folder, path.join(target, path.relative(root, folder)), {
    recursive: true,
    filter: (file) => file !== inside && (!UNUSED.test(file) || LICENCE.test(path.basename(file))),
  });
}

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
for (const name of ['dist/bin', 'dist/console', 'dist/proto', 'dist/package.json', 'LICENSE'])
  if (existsSync(path.join(root, name)))
    cpSync(path.join(root, name), path.join(target, name), {
      recursive: true,
      filter: (file) => !file.endsWith('.map'),
    });
// What carries modules is told by this file; the rest of it is of no use there.
const { name, version, license, type } = readJson(path.join(root, 'package.json'));
writeFileSync(
  path.join(target, 'package.json'),
  `${JSON.stringify({ name, version, license, type, private: true }, null, 2)}\n`,
);
const packages = reachable(await importedPackages());
for (const folder of packages) copyPackage(folder);
// Names, versions and licences of what is inside; the texts lie in the folders of the packages.
writeFileSync(path.join(target, 'PACKAGES'), packages.map(describe).join(''));
console.log(`${target}: ${packages.length} packages of ${readdirSync(path.join(root, 'node_modules')).length} folders`);

function describe(folder) {
  const {
    name: packageName,
    version: packageVersion,
    license: packageLicence = 'unknown',
  } = readJson(path.join(folder, 'package.json'));
  return `${packageName} ${packageVersion} ${packageLicence}\n`;
}
