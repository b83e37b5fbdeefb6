import { readCommand, runCommand, showCommand } from '../../image/support/run_command.js';
import { buildRoot } from './guest_root.js';
import { fetchKernel } from './kernel.js';

/** Before the test: the emulator and a systemd from Debian, a kernel of Debian, and the file system that it boots into. */
const PACKAGES: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  systemctl: 'systemd',
  prlimit: 'util-linux',
};
const startedAt = performance.now();

function say(text: string): void {
  console.log(`== ${Math.round((performance.now() - startedAt) / 1000)} s: ${text}`);
}

async function installPackages(): Promise<void> {
  const missing: string[] = [];
  for (const [command, name] of Object.entries(PACKAGES))
    if ((await runCommand('which', [command])).code !== 0) missing.push(name);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) throw new Error(`apt-get install ${missing.join(' ')}: that takes root, once`);
  say(`apt-get install ${missing.join(' ')}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await showCommand('apt-get', ['update', '-q'], environment, 300_000);
  await showCommand('apt-get', ['install', '-qy', '--no-install-recommends', ...missing], environment, 600_000);
}

try {
  const architecture = await readCommand('dpkg', ['--print-architecture']);
  if (architecture !== 'amd64')
    throw new Error(`the machine that is emulated has this one's programs: amd64, not ${architecture}`);
  await installPackages();
  await fetchKernel(say);
  say('the file system of the machine');
  await buildRoot();
  say('built');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
