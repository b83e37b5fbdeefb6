import { spawn } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../../../.cache/', import.meta.url));
const INSTALL_TIMEOUT_MS = 120_000;

/** The folder of a livekit-client of that version; installed by npm into .cache/ the first time. */
export async function oldSdk(version: string): Promise<string> {
  const folder = path.join(CACHE, `livekit-client-${version}`);
  const sdk = path.join(folder, 'node_modules', 'livekit-client');
  if (await exists(path.join(sdk, 'package.json'))) return sdk;
  await mkdir(CACHE, { recursive: true });
  // A folder of its own and a rename: an install that was broken off leaves no half of it at the place.
  const making = await mkdtemp(path.join(CACHE, 'installing-'));
  try {
    await npmInstall(making, `livekit-client@${version}`);
    await rename(making, folder);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return sdk;
}

function npmInstall(folder: string, what: string): Promise<void> {
  const flags = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--legacy-peer-deps'];
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['install', '--prefix', folder, ...flags, what], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
    const timer = setTimeout(() => child.kill('SIGKILL'), INSTALL_TIMEOUT_MS);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else reject(new Error(`npm install ${what} ended with ${signal ?? code}:\n${said}`));
    });
  });
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
