import { status } from '@grpc/grpc-js';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import type { Command } from 'commander';
import { AlirtcClient } from '../alirtc_client.js';
import { AlirtcStatusError } from '../status_error.js';
import type { CallOptions, Method } from '../transport.js';
import type { CommandContext } from './io.js';
import { parseSeconds } from './parse.js';

/** grpc.health.v1, https://github.com/grpc/grpc/blob/master/doc/health-checking.md: Check asks with a name (1) and is answered with a number (1). */
const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const SERVING = 'SERVING';
const CHECK: Method<string, number> = {
  path: '/grpc.health.v1.Health/Check',
  requestSerialize: (service) => Buffer.from(new BinaryWriter().uint32(10).string(service).finish()),
  responseDeserialize: readStatus,
};

interface HealthOptions {
  service: string;
  timeout: number;
}

export function addHealthCommand(program: Command, context: () => CommandContext): void {
  program
    .command('health')
    .description('whether the daemon serves: exit code 0 when it does, 1 when it does not; for container health checks')
    .option('--service <name>', 'one service, e.g. alirtc.v1.EngineService; default the whole daemon', '')
    .option('--timeout <time>', 'how long the answer may take, e.g. 3s', parseSeconds, 3)
    .action((options: HealthOptions) => printHealth(context(), options));
}

async function printHealth(
  { address, connection, json, io }: CommandContext,
  { service, timeout }: HealthOptions,
): Promise<void> {
  const deadlineMs = timeout * 1000;
  await using client = await AlirtcClient.connect(address, { ...connection(), connectTimeoutMs: deadlineMs });
  const name = await askHealth(client, service, { deadlineMs, signal: io.signal });
  io.print(json ? JSON.stringify({ status: name, service, address }) : name);
  if (name !== SERVING)
    throw new AlirtcStatusError(status.UNAVAILABLE, `the daemon at ${address} answers, but is ${name}`, {
      reason: 'NOT_SERVING',
      remedy: 'it starts or drains: see its log, or ask again',
    });
}

/** The status by its name: SERVING, NOT_SERVING. The empty service is the whole daemon. */
export async function askHealth(client: AlirtcClient, service: string, call: CallOptions): Promise<string> {
  const answer = await client.rawCall(CHECK, service, call);
  return STATUSES[answer] ?? String(answer);
}

function readStatus(bytes: Buffer): number {
  const reader = new BinaryReader(bytes);
  let answer = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 8) answer = reader.int32();
    else reader.skip(tag & 7);
  }
  return answer;
}
