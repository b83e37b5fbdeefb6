import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCommand, runCommand, showCommand } from './run_command.js';

export const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
/** Images, and what they are made from; `make clean` removes it. */
export const STORE = path.join(PROJECT, '.cache', 'image');

const GLOBAL = ['--storage-driver', 'vfs', '--root', path.join(STORE, 'storage'), '--runroot', path.join(STORE, 'run')];
/** No daemon, no user namespaces, no overlay file system: what works wherever there is root. */
const ENVIRONMENT = { ...process.env, BUILDAH_ISOLATION: 'chroot', STORAGE_DRIVER: 'vfs' };

export function buildah(...args: string[]): Promise<string> {
  return readCommand('buildah', [...GLOBAL, ...args], ENVIRONMENT, 600_000);
}

/** For steps that take long: their output is seen as it comes. */
export function showBuildah(...args: string[]): Promise<void> {
  return showCommand('buildah', [...GLOBAL, ...args], ENVIRONMENT, 1_800_000);
}

export async function hasImage(name: string): Promise<boolean> {
  return (await runCommand('buildah', [...GLOBAL, 'inspect', '--type', 'image', name], ENVIRONMENT)).code === 0;
}

/** A new working container of an image; `change` gets its name and its root folder, and what it leaves becomes the image `name`. */
export async function makeImage(
  from: string,
  name: string,
  change: (container: string, folder: string) => Promise<void>,
): Promise<void> {
  const container = await buildah('from', '--pull-never', from);
  try {
    await change(container, await buildah('mount', container));
    await buildah('commit', '--format', 'docker', '--quiet', container, name);
  } finally {
    await buildah('rm', container);
  }
}

/** What the image tells of itself, in Docker's form. */
export interface ImageConfig {
  User: string;
  Env: string[];
  Entrypoint: string[];
  Cmd: string[] | null;
  WorkingDir: string;
  Volumes: Record<string, unknown> | null;
  Labels: Record<string, string>;
  StopSignal?: string;
  Healthcheck?: { Test: string[]; Interval: number; Timeout: number };
}

export async function imageConfig(name: string): Promise<ImageConfig> {
  const { Docker } = JSON.parse(await buildah('inspect', '--type', 'image', name)) as {
    Docker: { config: ImageConfig };
  };
  return Docker.config;
}
