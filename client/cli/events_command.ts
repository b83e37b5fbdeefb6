import type { Command } from 'commander';
import { GetEventHandlerResponse } from '../../gen/alirtc/v1/events.js';
import { SubscribeMode } from '../../gen/alirtc/v1/types.js';
import type { ChannelProfile } from '../../gen/alirtc/v1/types.js';
import { AlirtcClient } from '../alirtc_client.js';
import type { Engine } from '../engine.js';
import type { AlirtcEvent } from '../event_stream.js';
import { invalidArgument } from '../status_error.js';
import type { CommandContext } from './io.js';
import { parseCount, parseProfile, parseSeconds } from './parse.js';

interface EventsOptions {
  channel?: string;
  user?: string;
  token?: string;
  profile?: ChannelProfile;
  subscribe?: true;
  from?: number;
  seconds?: number;
}

export function addEventsCommand(program: Command, context: () => CommandContext): void {
  program
    .command('events')
    .description("print an engine's events as JSON lines; with --channel, of an engine made for it")
    .argument('[engine]', 'the id of an engine')
    .option('--channel <id>', 'make an engine and join this channel with it, as audience')
    .option('--user <id>', 'the user id to join as')
    .option('--token <token>', 'default: asked of the daemon')
    .option('--profile <profile>', 'communication, live or low-latency-live; default live', parseProfile)
    .option('--subscribe', 'subscribe to everybody, so that media states are seen too')
    .option('--from <sequence>', 'the first event wanted; default: a snapshot, then what comes', parseCount)
    .option('--seconds <time>', 'end after this time', parseSeconds)
    .action((engine: string | undefined, options: EventsOptions) => printEvents(context(), engine, options));
}

async function printEvents(
  context: CommandContext,
  engineId: string | undefined,
  options: EventsOptions,
): Promise<void> {
  const { address, connection, io } = context;
  if ((engineId === undefined) === (options.channel === undefined))
    throw invalidArgument('whose events?', 'engine', 'give the id of an engine, or --channel and --user');
  if (options.channel !== undefined && options.user === undefined)
    throw invalidArgument('as whom?', 'user', 'give --user beside --channel');
  await using client = await AlirtcClient.connect(address, connection());
  const engine = engineId === undefined ? await client.createEngine({}, io) : client.engine(engineId);
  const time = options.seconds === undefined ? [] : [AbortSignal.timeout(options.seconds * 1000)];
  const signal = AbortSignal.any([io.signal, ...time]);
  try {
    const events = engine.events({ fromSequence: options.from, signal });
    const joined = options.channel === undefined ? undefined : join(client, engine, options, signal);
    // A join that fails ends the events; its error is the command's.
    joined?.catch(() => events.cancel());
    for await (const event of events) io.print(JSON.stringify(eventJson(event)));
    if (!signal.aborted) await joined;
    else await joined?.catch(() => undefined);
  } finally {
    if (engineId === undefined) await engine.release();
  }
}

async function join(client: AlirtcClient, engine: Engine, options: EventsOptions, signal: AbortSignal): Promise<void> {
  const { channel = '', user: userId = '', profile: channelProfile } = options;
  const token = options.token ?? (await client.generateToken({ channel, userId }, { signal })).token;
  const subscribeMode = options.subscribe === true ? SubscribeMode.AUTOMATICALLY : SubscribeMode.MANUALLY;
  const config = { subscribeMode, channelProfile };
  await engine.joinChannel({ token, channelId: channel, userId, config }, { signal });
}

/** Enumerations by their names, bytes as base64. */
export function eventJson({ type, sequence, timeUs, value }: AlirtcEvent): Record<string, unknown> {
  // The pair of $case and value is one of the union's, as it came from there.
  const event = { $case: type, value } as NonNullable<GetEventHandlerResponse['event']>;
  const json = GetEventHandlerResponse.toJSON({ sequence, timeUs, event }) as Record<string, unknown>;
  return { sequence, time: new Date(timeUs / 1000).toISOString(), type, ...(json[type] as object) };
}
