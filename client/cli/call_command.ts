import type { Command } from 'commander';
import { invalidArgument } from '../status_error.js';
import { AlirtcClient } from '../alirtc_client.js';
import { ProtoMethods } from './proto_methods.js';
import { protoFolder } from './proto_folder.js';
import type { CommandContext } from './io.js';
import { parseCount, parseSeconds } from './parse.js';

interface CallOptions {
  proto?: string;
  max?: number;
  timeout: number;
  bytes?: true;
}

export function addCallCommand(program: Command, context: () => CommandContext): void {
  program
    .command('call')
    .description('call any method by its name, from the .proto files; streams print a line for each message')
    .argument('<method>', 'e.g. JoinChannel or alirtc.v1.EngineService/JoinChannel')
    .argument('[json]', 'the request as a JSON object; "-" reads it from standard input', '{}')
    .option('--proto <folder>', 'the folder with alirtc/v1/*.proto; default: those that come with this program')
    .option('--max <count>', 'end a stream after so many messages', parseCount)
    .option('--timeout <time>', 'deadline of a call that is no stream', parseSeconds, 30)
    .option('--bytes', 'print long bytes fields too, as base64; default: only their lengths')
    .action((method: string, json: string, options: CallOptions) => call(context(), method, json, options));
}

async function call(
  { address, connection, io }: CommandContext,
  name: string,
  json: string,
  options: CallOptions,
): Promise<void> {
  const methods = await ProtoMethods.load(options.proto ?? protoFolder());
  const method = methods.find(name);
  const request = methods.request(method, parseObject(json === '-' ? await io.readStdin() : json));
  await using client = await AlirtcClient.connect(address, connection());
  const print = (message: unknown): void => io.print(JSON.stringify(printable(message, options.bytes === true)));
  if (method.responseStream) {
    let count = 0;
    for await (const message of client.rawStream(method, request, io.signal)) {
      print(message);
      if ((count += 1) === options.max) break;
    }
    return;
  }
  print(await client.rawCall(method, request, { deadlineMs: options.timeout * 1000, signal: io.signal }));
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalidArgument(`the request is not JSON: ${why}`, 'json', `write it like '{"engine_id": "..."}'`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidArgument('the request is not a JSON object', 'json', `write it like '{"engine_id": "..."}'`);
  return value as Record<string, unknown>;
}

/** Short bytes fields say more than their length costs. */
const SHORT_BYTES = 64;

function printable(value: unknown, allBytes: boolean): unknown {
  if (Buffer.isBuffer(value))
    return allBytes || value.length <= SHORT_BYTES ? value.toString('base64') : `<${value.length} bytes>`;
  if (Array.isArray(value)) return value.map((item) => printable(item, allBytes));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, printable(item, allBytes)]));
}
