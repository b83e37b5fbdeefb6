import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { failure, ok, warning } from './check.js';
import type { Check, DoctorContext, Finding } from './check.js';

export interface LimitFacts {
  maxEngines: number;
  /** Open files of one process, as far as it may raise them; undefined: not known. */
  files?: number | undefined;
  /** What processes may still take. */
  memoryBytes: number;
  /** Processors that this process may use. */
  processors: number;
  /** Of its control group, in processors; undefined: no limit. */
  quota?: number | undefined;
  /** The setting capacity-ms; 0: all of the machine. */
  capacityMs: number;
  /** Processes and threads of the control group; undefined: no limit. */
  tasks?: number | undefined;
}

/** The daemon's own share for an engine: its core's socket and pipes, and some streams of clients: an estimate. */
const FILES_OF_AN_ENGINE = 8;
const FILES_OF_THE_DAEMON = 256;
/** Measured: a core that decodes 720p is resident with about 105 MB; the daemon and the channel server with about 200 MB. */
const ENGINE_BYTES = 110e6;
const DAEMON_BYTES = 250e6;
/** Node's and libuv's own, and those of FFmpeg. */
const TASKS_OF_AN_ENGINE = 16;
const TASKS_OF_THE_DAEMON = 64;

export const limits: Check = { name: 'limits', run: look };

async function look({ config }: DoctorContext): Promise<Finding[]> {
  const [files, quota, tasks] = await Promise.all([readFileLimit(), readQuota(), readTasks()]);
  const constrained = process.constrainedMemory();
  const available = process.availableMemory();
  return judgeLimits({
    maxEngines: config['max-engines'],
    files,
    // Without a limit it is a number without meaning, or 0.
    memoryBytes: constrained > 0 && constrained < os.totalmem() ? Math.min(available, constrained) : await freeMemory(),
    processors: os.availableParallelism(),
    quota,
    capacityMs: config['capacity-ms'],
    tasks,
  });
}

async function freeMemory(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return kilobytes === undefined ? os.freemem() : Number(kilobytes) * 1024;
}

/** The hard limit: Node raises the soft one to it. */
async function readFileLimit(): Promise<number | undefined> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(text)?.[1];
  return hard === undefined ? undefined : hard === 'unlimited' ? Infinity : Number(hard);
}

/** The least of the group's own and those above (cgroup v2: cpu.max). */
async function readQuota(): Promise<number | undefined> {
  return leastOf('cpu.max', (text) => {
    const [quota = 'max', period = '100000'] = text.trim().split(' ');
    return quota === 'max' ? undefined : Number(quota) / Number(period);
  });
}

async function readTasks(): Promise<number | undefined> {
  return leastOf('pids.max', (text) => (text.trim() === 'max' ? undefined : Number(text)));
}

async function leastOf(file: string, read: (text: string) => number | undefined): Promise<number | undefined> {
  const own = await readFile('/proc/self/cgroup', 'utf8').catch(() => '');
  const group = own
    .split('\n')
    .find((line) => line.startsWith('0::'))
    ?.slice('0::'.length);
  if (group === undefined) return undefined;
  let least: number | undefined;
  for (let folder = group; ; folder = path.dirname(folder)) {
    const text = await readFile(path.join('/sys/fs/cgroup', folder, file), 'utf8').catch(() => undefined);
    const limit = text === undefined ? undefined : read(text);
    if (limit !== undefined && limit < (least ?? Infinity)) least = limit;
    if (folder === '/' || folder === '.') return least;
  }
}

export function judgeLimits(facts: LimitFacts): Finding[] {
  return [judgeFiles(facts), judgeMemory(facts), judgeProcessors(facts), ...judgeTasks(facts)];
}

function judgeFiles({ files, maxEngines }: LimitFacts): Finding {
  const wanted = FILES_OF_THE_DAEMON + maxEngines * FILES_OF_AN_ENGINE;
  if (files === undefined) return ok('the limit of open files cannot be read here');
  const text = `${files} open files for processes started from here`;
  if (files >= wanted) return ok(text);
  return warning(
    `${text}, ${maxEngines} engines may take ${wanted}`,
    'raise it: LimitNOFILE= of the unit, ulimits of the container, or ulimit -n; or lower max-engines',
  );
}

function judgeMemory({ memoryBytes, maxEngines }: LimitFacts): Finding {
  const engines = Math.max(0, Math.floor((memoryBytes - DAEMON_BYTES) / ENGINE_BYTES));
  const text = `${Math.round(memoryBytes / 1e6)} MB of memory available, for about ${engines} engines`;
  if (engines === 0)
    return failure(text, 'give the machine or its control group more memory: an engine takes about 110 MB');
  if (engines < Math.min(maxEngines, 4))
    return warning(`${text}, max-engines is ${maxEngines}`, 'give it more memory, or lower max-engines');
  return ok(text);
}

function judgeProcessors({ processors, quota, capacityMs }: LimitFacts): Finding {
  const usable = Math.min(processors, quota ?? processors);
  const usableMs = Math.round(usable * 1000);
  const taken = capacityMs === 0 ? processors * 1000 : capacityMs;
  const text =
    quota !== undefined && quota < processors
      ? `${processors} processors, of which the control group may use ${quota}`
      : `${processors} processors`;
  if (taken <= usableMs) return ok(`${text}, capacity ${taken} ms/s`);
  return warning(
    `${text}, but the capacity is ${taken} ms/s: engines are admitted that disturb the others`,
    `set capacity-ms to ${usableMs} at most`,
  );
}

function judgeTasks({ tasks, maxEngines }: LimitFacts): Finding[] {
  const wanted = TASKS_OF_THE_DAEMON + maxEngines * TASKS_OF_AN_ENGINE;
  if (tasks === undefined || tasks >= wanted) return [];
  return [
    warning(
      `${tasks} processes and threads are allowed, ${maxEngines} engines may take ${wanted}`,
      'raise it: TasksMax= of the unit, pids limit of the container; or lower max-engines',
    ),
  ];
}
