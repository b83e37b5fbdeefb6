import assert from 'node:assert/strict';
import { Argument, Command, Option } from 'commander';
import { bashScript } from '../../../client/cli/completion/bash.js';
import { fishScript } from '../../../client/cli/completion/fish.js';
import { completionModel } from '../../../client/cli/completion/model.js';
import type { CommandModel } from '../../../client/cli/completion/model.js';
import { zshScript } from '../../../client/cli/completion/zsh.js';
import { createProgram } from '../../../client/cli/program.js';

const io = {
  print: () => undefined,
  note: () => undefined,
  signal: new AbortController().signal,
  env: {},
  readStdin: () => Promise.resolve(''),
  interactive: false,
};

function small(): Command {
  const program = new Command('alirtc').option('--address <address>', 'where');
  program.addOption(new Option('--internal', 'for nobody').hideHelp());
  const node = program.command('node').description("the node's own");
  node
    .command('logs')
    .option('-e, --engine <engine>', 'whose')
    .addOption(new Option('--level <level>', 'from: this on').choices(['debug', 'info']))
    .option('--follow', 'go on');
  program
    .command('play')
    .argument('<file>', 'what')
    .addArgument(new Argument('[how]').choices(['fast', 'slow']));
  program.command('__hidden', { hidden: true });
  return program;
}
const at = (models: readonly CommandModel[], path: string): CommandModel =>
  models.find((model) => model.path === path) ?? assert.fail(`no model of "${path}"`);

describe('what a shell completes', () => {
  it('is every command that is shown, with its options and those of the commands above', () => {
    const models = completionModel(small());
    assert.deepEqual(
      models.map(({ path }) => path),
      ['', 'node', 'node logs', 'play'],
    );
    assert.deepEqual(
      at(models, '').commands.map(({ name }) => name),
      ['node', 'play', 'help'],
    );
    assert.deepEqual(
      at(models, 'node logs').options.map(({ flags }) => flags.join()),
      ['--engine,-e', '--level', '--follow', '--help,-h', '--address'],
    );
  });

  it('knows what stands behind an option or in the place of an argument', () => {
    const models = completionModel(small());
    const { options } = at(models, 'node logs');
    const values = Object.fromEntries(options.map(({ flags, values: of }) => [String(flags[0]), of] as const));
    assert.deepEqual(values, {
      '--engine': { kind: 'engines' },
      '--level': { kind: 'choices', choices: ['debug', 'info'] },
      '--follow': undefined,
      '--help': undefined,
      '--address': { kind: 'text' },
    });
    assert.deepEqual(at(models, 'play').arguments, [{ kind: 'files' }, { kind: 'choices', choices: ['fast', 'slow'] }]);
  });

  it('keeps quotes and colons of descriptions from the shell', () => {
    const models = completionModel(small());
    for (const script of [bashScript(models), zshScript(models)]) {
      assert.ok(script.includes("'node:the node’s own'"));
      assert.ok(script.includes("'--level:from - this on'"));
    }
    assert.ok(fishScript(models).includes("-a 'node' -d 'the node\\'s own'"));
  });

  it('of alirtc itself holds all commands and options, in every shell', () => {
    const models = completionModel(createProgram(io).program);
    const paths = models.map(({ path }) => path);
    for (const path of ['node', 'node drain', 'node logs', 'call', 'record', 'completion'])
      assert.ok(paths.includes(path), path);
    assert.ok(!paths.some((path) => path.includes('__')));
    assert.deepEqual(at(models, 'call').arguments[0], { kind: 'methods' });
    assert.deepEqual(at(models, 'events').arguments[0], { kind: 'engines' });
    for (const script of [bashScript(models), zshScript(models), fishScript(models)])
      for (const { commands, options } of models) {
        for (const { name } of commands) assert.ok(script.includes(`'${name}`), name);
        for (const { flags } of options)
          assert.ok(flags.every((flag) => script.includes(flag) || script.includes(`-l ${flag.slice(2)}`)));
      }
  });
});
