import { readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';

/**
 * The executable AliRtcCoreService: runs alirtc-core.cjs, which lies beside it, with V8's compiled code from a file beside that. `--compile-cache` writes that
 * file. A cache that is missing, of another version or damaged only costs time: V8 checks it against the source and compiles instead.
 */
const CODE_FILE = 'alirtc-core.cjs';
const CACHE_FILE = 'alirtc-core.cache';
const COMPILE_CACHE = '--compile-cache';
/** core_main loads everything and does nothing. */
const LOAD_ONLY = '--load-only';

type Wrapper = (exports: object, require: NodeJS.Require, module: object, filename: string, dirname: string) => void;

const folder = path.dirname(realpathSync(__filename));
const codeFile = path.join(folder, CODE_FILE);
const cacheFile = path.join(folder, CACHE_FILE);

function readCache(): Buffer | undefined {
  try {
    return readFileSync(cacheFile);
  } catch {
    return undefined;
  }
}

/** The build has put the code into the module wrapper already, and made it ASCII: one copy of two megabytes stays in memory, not three. */
function compile(cachedData: Buffer | undefined): vm.Script {
  return new vm.Script(readFileSync(codeFile, 'latin1'), {
    filename: codeFile,
    ...(cachedData === undefined ? {} : { cachedData }),
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
}

function run(script: vm.Script): void {
  const wrapper = script.runInThisContext() as Wrapper;
  const module = { exports: {} };
  wrapper(module.exports, createRequire(codeFile), module, codeFile, folder);
}

/** Written under another name first: a core that starts meanwhile sees all of it or nothing. */
function writeCache(script: vm.Script): void {
  const temporary = `${cacheFile}.${process.pid}`;
  try {
    writeFileSync(temporary, script.createCachedData());
    renameSync(temporary, cacheFile);
  } catch (error) {
    rmSync(temporary, { force: true });
    process.stderr.write(
      `the code cache cannot be written: ${error instanceof Error ? error.message : String(error)}\n`,
    );
  }
}

if (process.argv[2] === COMPILE_CACHE) {
  process.argv[2] = LOAD_ONLY;
  const script = compile(undefined);
  run(script);
  // After the code has run, the cache holds the functions that a start needs too.
  process.once('beforeExit', () => writeCache(script));
} else {
  run(compile(readCache()));
}
