import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { consoleLogOf, KERNEL, reportOf, ROOT_ARCHIVE } from './places.js';

export type Row = Readonly<Record<string, unknown>> & { readonly row: string };

export interface Ran {
  rows: readonly Row[];
  /** What kernel and systemd wrote. */
  console: string;
}

const MEMORY_MB = 2048;
/** Without erms: programs would copy byte by byte, which is slow to emulate. */
const PROCESSOR = 'max,-erms';
/** Time in the machine is counted in instructions (2^1 ns each), and skipped while it waits: nothing in it can come too late because this machine is slow. */
const CLOCK = 'shift=1,sleep=off';
const COMMAND_LINE = 'console=ttyS0 panic=-1 rdinit=/init loglevel=6';

/** Boots a machine for that part of the test, in software emulation, without any network, and waits until it has turned itself off. Rejects at the deadline, and when it says nothing. */
export async function runMachine(part: 'without_systemd' | 'with_systemd', deadlineMs: number): Promise<Ran> {
  const [consoleLog, report] = [consoleLogOf(part), reportOf(part)];
  for (const name of [consoleLog, report]) await rm(name, { force: true });
  const startedAt = performance.now();
  const args = [
    ...['-machine', 'q35', '-accel', 'tcg', '-cpu', PROCESSOR, '-smp', '1', '-m', `${MEMORY_MB}`, '-icount', CLOCK],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-nic', 'none', '-no-reboot'],
    ...['-kernel', KERNEL, '-initrd', ROOT_ARCHIVE, '-append', `${COMMAND_LINE} part=${part}`],
    ...['-serial', `file:${consoleLog}`, '-serial', `file:${report}`],
  ];
  // By timeout(1): the machine ends in time also when this process does not live to see it.
  const limit = ['--foreground', '--signal=KILL', String(deadlineMs / 1000), 'qemu-system-x86_64'];
  const child = spawn('timeout', [...limit, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  const seconds = (performance.now() - startedAt) / 1000;
  const text = await readFile(consoleLog, 'utf8').catch(() => '');
  const rows = rowsOf(await readFile(report, 'utf8').catch(() => ''));
  if (code !== 0 || rows.length === 0)
    throw new Error(
      `qemu ended with ${code ?? 'a signal'} after ${Math.round(seconds)} s (137: at its deadline), ${rows.length} rows; the console:\n${text.slice(-4000)}`,
    );
  return { rows, console: text };
}

function rowsOf(text: string): Row[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Row);
}
