import { Command, CommanderError } from 'commander';
import { ADDRESS_VARIABLE, defaultAddress } from '../address.js';
import { addCallCommand } from './call_command.js';
import { addCompletionCommand } from './completion/completion_command.js';
import { addConnectionOptions, readConnection } from './connection_options.js';
import type { ConnectionFlags } from './connection_options.js';
import { addDoctorCommand } from './doctor_command.js';
import { addEnginesCommand } from './engines_command.js';
import { addEventsCommand } from './events_command.js';
import { addHealthCommand } from './health_command.js';
import type { CliIo, CommandContext, GlobalOptions } from './io.js';
import { addNodeCommand } from './node/node_command.js';
import { addStatusCommand } from './node/status.js';
import { addPlayCommand } from './play_command.js';
import { addRecordCommand } from './record_command.js';
import { isInterruption, reportError } from './report_error.js';
import { addTokenCommand } from './token_command.js';

/** 128 + SIGINT, as shells expect it. */
export const INTERRUPTED = 130;

/** Every command with its options; completion scripts and manual pages are made from it, too. */
export function createProgram(io: CliIo): { program: Command; context: () => CommandContext } {
  const program = new Command('alirtc')
    .description('the command line of alirtcd')
    .option(
      '--address <address>',
      `unix:/path, host:port or tls:host:port; default $${ADDRESS_VARIABLE}, else the daemon's default socket`,
    )
    .option('--json', 'print JSON', false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.print(text.trimEnd()), writeErr: (text) => io.note(text.trimEnd()) });
  addConnectionOptions(program);
  const context = (): CommandContext => {
    const { address = defaultAddress(io.env), json } = program.opts<Partial<GlobalOptions> & { json: boolean }>();
    return { address, json, io, connection: () => readConnection(program.opts<ConnectionFlags>(), io.env) };
  };
  addTokenCommand(program, context);
  addEventsCommand(program, context);
  addRecordCommand(program, context);
  addPlayCommand(program, context);
  addCallCommand(program, context);
  addStatusCommand(program, context);
  addEnginesCommand(program, context);
  addHealthCommand(program, context);
  addDoctorCommand(program, context);
  addNodeCommand(program, context);
  addCompletionCommand(program, context);
  return { program, context };
}

/** Runs one command; gives the exit code: 0, 1 for what failed, 2 for a wrong command line, 130 for what was interrupted before it had begun. */
export async function runProgram(args: readonly string[], io: CliIo): Promise<number> {
  const { program, context } = createProgram(io);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has said already what is wrong with the command line.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (io.signal.aborted && isInterruption(error)) return INTERRUPTED;
    reportError(error, io, context().json);
    return 1;
  }
}
