import { status as grpcStatus } from '@grpc/grpc-js';
import type { Command } from 'commander';
import { AlirtcClient } from '../../alirtc_client.js';
import { AlirtcStatusError, invalidArgument, toStatusError } from '../../status_error.js';
import { abortedOrAfter } from '../io.js';
import type { CliIo, CommandContext } from '../io.js';
import { parseSecondsOrNone } from '../parse.js';
import { countText, durationText, timeText } from './units.js';

interface DrainOptions {
  deadline?: number;
  wait?: true;
}

const LOOK_MS = 500;
/** Told at least that often where nobody looks at a terminal. */
const TELL_MS = 10_000;
/** Engines that are left at the deadline leave in order, and processes end; beyond it something hangs. */
const AFTER_DEADLINE_MS = 60_000;

export function addDrainCommand(node: Command, context: () => CommandContext): void {
  node
    .command('drain')
    .description('ends the daemon in order: no new engines, those that are there may go on until the deadline')
    .option(
      '--deadline <time>',
      "how long engines may go on, e.g. 10m; 0: they leave at once; default the daemon's drain-seconds",
      parseSecondsOrNone,
    )
    .option('--wait', 'tells how many engines are left, and ends when the daemon has ended')
    .action((options: DrainOptions) => drain(context(), options));
}

async function drain({ address, connection, json, io }: CommandContext, options: DrainOptions): Promise<void> {
  await using client = await AlirtcClient.connect(address, connection());
  const tell = (fields: object, text: string): void => io.print(json ? JSON.stringify(fields) : text);
  // Asked for first: the daemon may be gone a moment after the drain has begun.
  const end = options.wait === true ? watchEnd(client) : undefined;
  const seconds = options.deadline ?? (await usualSeconds(client, io));
  if (end?.failure !== undefined) throw end.failure;
  const { deadlineUs, engines } = await client.drain(seconds, { signal: io.signal });
  const time = timeText(deadlineUs);
  const left = durationText(deadlineUs / 1000 - Date.now());
  tell(
    { state: 'draining', deadline: time, engines },
    `draining: no new engines; ${countText(engines, 'engine')} may go on until ${time} (${left})`,
  );
  if (end === undefined) return;
  const over = new AbortController();
  const signal = AbortSignal.any([io.signal, over.signal]);
  const counting = countDown(client, { io, signal, deadlineUs, tell });
  try {
    const ended = await Promise.race([end.ended, abortedOrAfter(signal, lateAfterMs(deadlineUs))]);
    if (ended !== true) throw io.signal.aborted ? interrupted(io) : hangs(deadlineUs);
  } finally {
    over.abort();
    await counting;
  }
  tell({ state: 'ended' }, 'drained: every engine has ended, and the daemon stops');
}

/** What SIGTERM would give them. Throws INVALID_ARGUMENT where that is nothing: who means it says so. */
async function usualSeconds(client: AlirtcClient, io: CliIo): Promise<number> {
  const { limits } = await client.nodeStatus({ signal: io.signal });
  if (limits !== undefined && limits.drainSeconds > 0) return limits.drainSeconds;
  throw invalidArgument(
    "the daemon's drain-seconds is 0: its engines would leave at once",
    'deadline',
    'say how long they may go on, e.g. --deadline 10m; --deadline 0 when at once is meant',
  );
}

interface End {
  /** True when the daemon has ended in order; rejects when it is gone otherwise. */
  ended: Promise<true>;
  failure?: AlirtcStatusError;
}

/** A stream of the daemon's log ends with OK behind its last engine, and with an error when the daemon dies. */
function watchEnd(client: AlirtcClient): End {
  const stream = client.nodeLogs({ level: 'fatal', follow: true });
  const read = async (): Promise<true> => {
    try {
      for await (const line of stream) void line;
      return true;
    } catch (error) {
      throw died(error);
    }
  };
  const end: End = { ended: read() };
  end.ended.catch((error: unknown) => (end.failure = toStatusError(error)));
  return end;
}

interface CountDown {
  io: CliIo;
  signal: AbortSignal;
  deadlineUs: number;
  tell: (fields: object, text: string) => void;
}

/** Tells how many engines are left: when that changes, and now and then. Never rejects: that the daemon is gone is told by the end. */
async function countDown(client: AlirtcClient, { io, signal, deadlineUs, tell }: CountDown): Promise<void> {
  let [before, toldMs] = [-1, -Infinity];
  const everyMs = io.interactive ? 1_000 : TELL_MS;
  while (!signal.aborted) {
    await abortedOrAfter(signal, LOOK_MS);
    const status = await client.nodeStatus({ signal }).catch(() => undefined);
    if (status === undefined) return;
    const { engines } = status;
    const nowMs = Date.now();
    if (engines === before && nowMs - toldMs < everyMs) continue;
    [before, toldMs] = [engines, nowMs];
    const leftMs = Math.max(0, deadlineUs / 1000 - nowMs);
    tell(
      { state: 'draining', engines, secondsLeft: Math.round(leftMs / 1000) },
      `${countText(engines, 'engine')} left, ${durationText(leftMs)}`,
    );
  }
}

function lateAfterMs(deadlineUs: number): number {
  return Math.max(0, deadlineUs / 1000 - Date.now()) + AFTER_DEADLINE_MS;
}

/** What the stream of a daemon that is gone fails with; all other errors as they are. */
function died(error: unknown): AlirtcStatusError {
  const failure = toStatusError(error);
  if (failure.code !== grpcStatus.UNAVAILABLE || failure.reason !== 'UNAVAILABLE') return failure;
  return new AlirtcStatusError(grpcStatus.UNAVAILABLE, 'the daemon went away without ending in order', {
    reason: 'DAEMON_DIED',
    remedy: 'see its log: it was killed, or it was told twice to stop',
    cause: error,
  });
}

function interrupted(io: CliIo): Error {
  io.note('interrupted; the node goes on draining');
  return new AlirtcStatusError(grpcStatus.CANCELLED, 'interrupted', { reason: 'CANCELLED' });
}

function hangs(deadlineUs: number): Error {
  return new AlirtcStatusError(
    grpcStatus.DEADLINE_EXCEEDED,
    `the daemon has not ended, ${AFTER_DEADLINE_MS / 1000} s after the deadline ${timeText(deadlineUs)}`,
    {
      reason: 'DRAIN_HANGS',
      remedy: 'see its log; SIGTERM makes it leave at once, a second one ends it without asking',
    },
  );
}
