import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { BIN, startDaemon } from '../../support/running_daemon.js';
import type { RunningDaemon } from '../../support/running_daemon.js';
import { AlirtcClient } from '../../../client/index.js';

const run = promisify(execFile);
const ALIRTC = path.join(BIN, 'alirtc.mjs');
const DRIVERS = {
  /** The words as readline would part them; the last one is being typed. */
  bash: `source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _alirtc
printf '%s\\n' "\${COMPREPLY[@]}"`,
  /** An interactive zsh at a terminal of its own, in which tab is pressed; ends when what is awaited stands there (zshmodules(1), zpty). */
  zsh: `zmodload zsh/zpty; script=$1; line=$2; awaited=$3
zpty z zsh -f -i; zpty -w z "PS1=; autoload -Uz compinit; compinit -u -D; source $script"
zpty -w z "bindkey '^I' list-choices; LISTMAX=1000; unsetopt list_beep; stty cols 200"
zpty -w z "print rea''dy"; zpty -r z out '*ready*'
zpty -w -n z "$line"$'\\t'; zpty -r z out "*$awaited*"
print -r -- "$out"; zpty -d z`,
  fish: `source $argv[1]; complete -C $argv[2]`,
};

async function isThere(shell: string): Promise<boolean> {
  return run(shell, ['-c', 'exit 0']).then(
    () => true,
    () => false,
  );
}

describe('shell completion', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'completion-'));
  const environment = { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}`, HOME: folder };
  let daemon: RunningDaemon;
  let engineId: string;

  before(async () => {
    writeFileSync(path.join(folder, 'alirtc'), `#!/bin/sh\nexec ${process.execPath} ${ALIRTC} "$@"\n`, { mode: 0o755 });
    writeFileSync(path.join(folder, 'film.mp4'), '');
    for (const shell of Object.keys(DRIVERS)) {
      const { stdout } = await run(process.execPath, [ALIRTC, 'completion', shell]);
      writeFileSync(path.join(folder, `script.${shell}`), stdout);
    }
    daemon = await startDaemon();
    await using client = await AlirtcClient.connect(daemon.address);
    ({ engineId } = await client.createEngine({ detached: true }));
  });
  after(async () => {
    await daemon.stop();
    rmSync(folder, { recursive: true });
  });

  async function inShell(shell: keyof typeof DRIVERS, ...args: string[]): Promise<string> {
    const words = ['-c', DRIVERS[shell], ...(shell === 'fish' ? [] : [shell])];
    const script = path.join(folder, `script.${shell}`);
    const options = { env: environment, cwd: folder, timeout: 60_000 };
    return (await run(shell, [...words, script, ...args], options)).stdout;
  }
  const bash = async (...words: string[]): Promise<string[]> =>
    (await inShell('bash', 'alirtc', ...words)).split('\n').filter((word) => word !== '');

  it('in bash: commands, and commands below them', async () => {
    const commands = await bash('');
    for (const command of ['token', 'record', 'node', 'completion', 'help']) assert.ok(commands.includes(command));
    assert.ok(!commands.some((command) => command.startsWith('__')));
    assert.deepEqual(await bash('no'), ['node']);
    assert.deepEqual((await bash('node', '')).sort(), ['config', 'drain', 'engines', 'help', 'logs', 'status', 'top']);
    assert.deepEqual(await bash('--json', 'node', 'd'), ['drain']);
    assert.deepEqual(await bash('no-such-command', 'x'), []);
  });

  it('in bash: options, also those of the commands above', async () => {
    assert.deepEqual(await bash('node', 'drain', '--d'), ['--deadline']);
    assert.deepEqual((await bash('node', 'logs', '--')).sort(), [
      ...['--address', '--ca', '--cert', '--engine', '--follow', '--help', '--json', '--key', '--level'],
      ...['--set-level', '--since-lines', '--token-file'],
    ]);
    assert.deepEqual(await bash('node', 'logs', '-'), await bash('node', 'logs', ''.padEnd(1, '-')));
  });

  it('in bash: the values of options, where they are known', async () => {
    assert.deepEqual(await bash('node', 'logs', '--level', ''), ['trace', 'debug', 'info', 'warn', 'error', 'fatal']);
    assert.deepEqual(await bash('node', 'logs', '--level', '=', 'de'), ['debug']);
    assert.deepEqual(await bash('node', 'logs', '--level', '='), ['trace', 'debug', 'info', 'warn', 'error', 'fatal']);
    assert.deepEqual(await bash('node', 'top', '--sort', 'm'), ['memory']);
    assert.deepEqual(await bash('completion', 'f'), ['fish']);
    assert.deepEqual(await bash('node', 'drain', '--deadline', ''), []);
    assert.deepEqual(await bash('play', '--channel', 'c', 'fi'), ['film.mp4']);
    assert.deepEqual(await bash('--token-file', 'fi'), ['film.mp4']);
  });

  it('in bash: methods out of the .proto files, engines of the daemon that the line names', async () => {
    assert.deepEqual((await bash('call', 'Mute')).sort(), ['MuteLocalCamera', 'MuteLocalMic']);
    assert.deepEqual(await bash('call', 'PushExternalVideoFrames'), [], 'a stream of requests cannot be called');
    const unix = ['unix', ':', daemon.address.slice('unix:'.length)];
    assert.deepEqual(await bash('--address', ...unix, 'node', 'logs', '--engine', 'eng'), [engineId]);
    assert.deepEqual(await bash('--address', ...unix, 'events', ''), [engineId]);
    assert.deepEqual(await bash('--address', 'unix', ':', '/nowhere.sock', 'events', ''), []);
  });

  it('in zsh, where it is installed', async function () {
    if (!(await isThere('zsh'))) {
      console.log('      not tried: zsh is not installed (apt-get install zsh)');
      return this.skip();
    }
    const lists = async (line: string, awaited: string, words: RegExp): Promise<void> =>
      assert.match(await inShell('zsh', line, awaited), words);
    await lists('alirtc node ', 'versions, up-time', /drain +-- ends the daemon in order/);
    await lists('alirtc node logs --level ', 'warn', /debug +error +fatal +info +trace +warn/);
    await lists('alirtc node drain --', '--wait*', /--deadline[\s\S]*--wait/);
    await lists(`alirtc --address ${daemon.address} events eng_`, engineId, new RegExp(engineId));
  });

  it('in fish, where it is installed', async function () {
    if (!(await isThere('fish'))) {
      console.log('      not tried: fish is not installed (apt-get install fish)');
      return this.skip();
    }
    const fish = async (line: string): Promise<string[]> =>
      (await inShell('fish', line)).split('\n').flatMap((row) => (row === '' ? [] : [row.split('\t')[0] ?? '']));
    assert.deepEqual((await fish('alirtc node ')).sort(), [
      ...['config', 'drain', 'engines', 'help', 'logs', 'status', 'top'],
    ]);
    assert.deepEqual(await fish('alirtc no'), ['node']);
    assert.deepEqual(await fish('alirtc node logs --level '), ['debug', 'error', 'fatal', 'info', 'trace', 'warn']);
    assert.deepEqual(await fish('alirtc --json node drain --d'), ['--deadline']);
    assert.deepEqual(await fish('alirtc call Mute'), ['MuteLocalCamera', 'MuteLocalMic']);
    assert.deepEqual(await fish(`alirtc --address ${daemon.address} node logs --engine `), [engineId]);
    assert.deepEqual(await fish('alirtc play fi'), ['film.mp4']);
  });
});
