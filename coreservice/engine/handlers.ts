import type { Command, CommandFields, CommandName } from '../ipc/commands.js';
import type { CoreEngine } from './core_engine.js';
import { CHANNEL_HANDLERS } from './handlers_channel.js';
import { PUBLISH_HANDLERS } from './handlers_publish.js';
import { SUBSCRIBE_HANDLERS } from './handlers_subscribe.js';

/** What a command does. It throws an AlirtcError to refuse. */
export type Handler<N extends CommandName> = (
  engine: CoreEngine,
  fields: CommandFields<N>,
  payload: Buffer,
  command: Extract<Command, { name: N }>,
) => void;
export type Handlers = { [N in CommandName]?: Handler<N> };

const HANDLERS: Handlers = { ...CHANNEL_HANDLERS, ...PUBLISH_HANDLERS, ...SUBSCRIBE_HANDLERS };

type AnyHandler = (engine: CoreEngine, fields: never, payload: Buffer, command: Command) => void;

/** Undefined for what the protocol has and the engine's interface has not: audio effects, voiceprints and the like. */
export function handlerOf(name: CommandName): AnyHandler | undefined {
  return HANDLERS[name] as AnyHandler | undefined;
}
