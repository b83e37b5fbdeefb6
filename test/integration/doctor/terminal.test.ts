import assert from 'node:assert/strict';
import { runProgram } from '../../../client/cli/program.js';
import { DoctorScene } from './doctor_scene.js';

const SCREEN = { columns: 80, rows: 24, write: () => undefined, onKey: () => () => undefined };

describe('What alirtc doctor prints', function () {
  this.timeout(60_000);
  let scene: DoctorScene;

  before(async () => (scene = await DoctorScene.create()));
  after(() => scene[Symbol.asyncDispose]());

  async function run(
    env: NodeJS.ProcessEnv,
    signal = new AbortController().signal,
  ): Promise<{ code: number; out: string; err: string }> {
    const [out, err]: [string[], string[]] = [[], []];
    const flags = ['--listen', `unix:${scene.file('alirtcd.sock')}`, '--http-listen', 'off'];
    const code = await runProgram(['doctor', '--', ...flags, '--core-service', '/nowhere/core'], {
      print: (line) => void out.push(line),
      note: (line) => void err.push(line),
      signal,
      env: { HOME: scene.folder, ...env },
      readStdin: () => Promise.resolve(''),
      interactive: true,
      screen: SCREEN,
    });
    return { code, out: out.join('\n'), err: err.join('\n') };
  }

  it('has marks and colours in a terminal, the remedy below, and the sum at the end', async () => {
    const { code, out, err } = await run({});
    assert.equal(code, 1);
    assert.match(out, /\u2713.* codecs +h264/);
    assert.match(out, /\u2717.* core service +\/nowhere\/core: .*no such file\n +\u2192 correct core-service/);
    assert.match(err, /^error: the installation has faults: 1 failure, \d+ warnings?\.$/);
  });

  it('is ASCII with NO_COLOR', async () => {
    const { code, out } = await run({ NO_COLOR: '1' });
    assert.equal(code, 1);
    assert.match(out, /^FAIL core service +\/nowhere\/core: .*\n +-> correct core-service/m);
    assert.ok(
      [...out].every((character) => character.charCodeAt(0) < 127),
      out,
    );
    assert.ok(!out.includes('\u001b'));
  });

  it('ends at once with Ctrl-C, as shells expect it', async () => {
    const stop = new AbortController();
    const running = run({}, stop.signal);
    setImmediate(() => stop.abort());
    assert.equal((await running).code, 130);
  });
});
