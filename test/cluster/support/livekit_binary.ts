import { spawn } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const LIVEKIT_VERSION = 'v1.9.12';
const PACKAGE = `github.com/livekit/livekit-server/cmd/server@${LIVEKIT_VERSION}`;
const CACHE = fileURLToPath(new URL('../../../.cache/', import.meta.url));
const BINARY = path.join(CACHE, `livekit-server-${LIVEKIT_VERSION}`, 'server');
/** Downloads and compiles some 300 packages. */
const INSTALL_TIMEOUT_MS = 20 * 60_000;

/** The path of the real livekit-server; built by `go install` into .cache/ the first time, which takes minutes. */
export async function livekitBinary(onInstall: (text: string) => void = () => undefined): Promise<string> {
  if (await exists(BINARY)) return BINARY;
  onInstall(`go install ${PACKAGE}: once, about two minutes on two cores`);
  const folder = path.dirname(BINARY);
  await mkdir(folder, { recursive: true });
  // A folder of its own and a rename: an install that was broken off, or runs beside this one, leaves no half a file at the place.
  const bin = await mkdtemp(path.join(folder, 'installing-'));
  try {
    await goInstall(bin);
    await rename(path.join(bin, 'server'), BINARY);
  } finally {
    await rm(bin, { recursive: true, force: true });
  }
  return BINARY;
}

function goInstall(bin: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', ['install', PACKAGE], {
      cwd: CACHE,
      env: { ...process.env, GOBIN: bin, CGO_ENABLED: '0' },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    const lines: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => lines.splice(0, lines.length - 40, text));
    const timer = setTimeout(() => child.kill('SIGKILL'), INSTALL_TIMEOUT_MS);
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      if (error.code !== 'ENOENT') return reject(error);
      const remedy = 'install Go 1.24 or newer (Debian: golang-go; or go.dev/dl) and see that "go" is in PATH';
      reject(new Error(`there is no go, which builds livekit-server ${LIVEKIT_VERSION}: ${remedy}`));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve();
      reject(new Error(`go install ${PACKAGE} ended with ${signal ?? code}:\n${lines.join('')}`));
    });
  });
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
