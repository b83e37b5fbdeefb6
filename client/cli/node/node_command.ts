import type { Command } from 'commander';
import type { CommandContext } from '../io.js';
import { addConfigCommand } from './config.js';
import { addDrainCommand } from './drain.js';
import { addEnginesCommand } from './engines.js';
import { addLogsCommand } from './logs.js';
import { addStatusCommand } from './status.js';
import { addTopCommand } from './top.js';

/** `alirtc node`: the daemon itself, for its operator. */
export function addNodeCommand(program: Command, context: () => CommandContext): void {
  const node = program.command('node').description('for operators: the daemon itself, its engines, log and settings');
  addStatusCommand(node, context);
  addEnginesCommand(node, context);
  addTopCommand(node, context);
  addDrainCommand(node, context);
  addLogsCommand(node, context);
  addConfigCommand(node, context);
}
