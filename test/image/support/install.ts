import { readFile } from 'node:fs/promises';
import { runCommand, showCommand } from './run_command.js';
import { BASE_IMAGE, makeBaseImages, NODE_IMAGE, PYTHON_IMAGE } from './base_images.js';
import { buildah, PROJECT, showBuildah } from './buildah.js';
import { EXAMPLE_IMAGE, IMAGE } from './images.js';
import { registrySecrets } from './registry_secrets.js';

/** Before the tests: what builds images, the images to build on, and the images of the project. */
const TOOLS = ['buildah', 'debootstrap'];
const startedAt = performance.now();

function say(text: string): void {
  console.log(`== ${Math.round((performance.now() - startedAt) / 1000)} s: ${text}`);
}

async function installTools(): Promise<void> {
  const found = await Promise.all(TOOLS.map(async (tool) => (await runCommand('which', [tool])).code === 0));
  const missing = TOOLS.filter((_, index) => found[index] !== true);
  if (missing.length === 0) return;
  say(`apt-get install ${missing.join(' ')}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await showCommand('apt-get', ['update', '-q'], environment, 300_000);
  await showCommand('apt-get', ['install', '-qy', '--no-install-recommends', ...missing], environment, 600_000);
}

async function buildImages(): Promise<void> {
  await using secrets = await registrySecrets();
  const revision = (await runCommand('git', ['-C', PROJECT, 'rev-parse', 'HEAD'])).out.trim() || 'unknown';
  const build = (name: string, file: string, args: Record<string, string>): Promise<void> =>
    showBuildah(
      'build',
      '--pull-never',
      ...['--format', 'docker', '--tag', name, '--file', `${PROJECT}/${file}`],
      ...['--ignorefile', `${PROJECT}/docker/Dockerfile.dockerignore`],
      ...Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
      ...secrets.arguments,
      PROJECT,
    );
  const { version } = JSON.parse(await readFile(`${PROJECT}/package.json`, 'utf8')) as { version: string };
  say('docker/Dockerfile');
  await build(IMAGE, 'docker/Dockerfile', { NODE_IMAGE, BASE_IMAGE, VERSION: version, REVISION: revision });
  say('docker/sidecar_example/Dockerfile');
  await build(EXAMPLE_IMAGE, 'docker/sidecar_example/Dockerfile', { PYTHON_IMAGE });
}

try {
  if (process.getuid?.() !== 0)
    throw new Error('make image-test has to run as root: it makes file systems and mounts them');
  await installTools();
  // What a run that was killed left, in our own storage.
  await buildah('rm', '--all');
  await makeBaseImages(say);
  await buildImages();
  await buildah('rmi', '--prune');
  say('built');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
