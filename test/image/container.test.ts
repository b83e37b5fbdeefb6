import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { AlirtcClient, TokenFormat } from '../../client/index.js';
import { eventually } from '../support/eventually.js';
import { analyseRecording } from '../support/media/recording_analysis.js';
import { RtcPeer } from '../support/rtc_peer/index.js';
import { PROJECT } from './support/buildah.js';
import { Container } from './support/container.js';
import { EXAMPLE_IMAGE, IMAGE } from './support/images.js';
import { runCommand } from './support/run_command.js';

const CHANNEL = 'contained';
const SIZE = { width: 640, height: 360, framesPerSecond: 15 };
const TONE = { frequency: 440, beepFrequency: 1000 };
const RECORD_S = 8;

interface Manifest {
  kind: string;
  spec: { template: { spec: { containers: { lifecycle: { preStop: { exec: { command: string[] } } } }[] } } };
}

interface Said {
  what: string;
  name?: string;
  users?: Record<string, { pictures: number; size: string }>;
}

describe('A container of the image', function () {
  this.timeout(180_000);
  let container: Container;
  let address: string;
  let folder: string;
  let peer: RtcPeer;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'alirtcd-image-test-'));
    // The machine's network is its own: its usual ports may be somebody's.
    const args = ['--listen', 'unix:/run/alirtcd/alirtcd.sock', '--http-listen', 'off'];
    container = await Container.start(IMAGE, { arguments: args });
    await container.line((line) => line.includes('"ready":true'));
    address = `unix:${container.volume('/run/alirtcd')}/alirtcd.sock`;
    peer = await RtcPeer.start();
  });
  after(async () => {
    await peer?.close();
    await container?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('runs under an init process, as its user, without privileges, on a root that cannot be written', async () => {
    const ids = await container.processIds();
    const commands = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8')));
    assert.match(commands[0] ?? '', /^tini\0--\0alirtcd/);
    // init, the daemon, its channel server.
    assert.equal(ids.length, 3, commands.join('\n'));
    for (const id of ids) {
      const status = await readFile(`/proc/${id}/status`, 'utf8');
      assert.match(status, /^Uid:\t10001\t10001\t10001\t10001$/m);
      assert.match(status, /^NoNewPrivs:\t1$/m);
      assert.match(status, /^CapEff:\t0+$/m);
    }
    for (const file of ['/x', '/opt/alirtcd/x', '/usr/local/bin/x', '/etc/x'])
      assert.match((await container.exec('touch', file)).err, /Read-only file system/, file);
  });

  it('is healthy by its own health check, which fails where nobody serves', async () => {
    const [, ...check] = container.config.Healthcheck?.Test ?? [];
    assert.deepEqual(await container.exec(...check), { code: 0, out: 'SERVING\n', err: '' });
    const wrong = await container.exec('alirtc', '--address', 'unix:/run/alirtcd/none.sock', 'health');
    assert.equal(wrong.code, 1, wrong.err);
    assert.match(wrong.err, /no daemon answers/);
  });

  it("records what a foreign participant sends, by the container's socket", async () => {
    await publish();
    const out = path.join(folder, 'recordings');
    const call = ['--address', address, 'record', '--channel', CHANNEL, '--user', 'archive'];
    const program = path.join(PROJECT, 'dist', 'bin', 'alirtc.mjs');
    const args = [program, ...call, '--out', out, '--seconds', String(RECORD_S)];
    const { code, err } = await runCommand(process.execPath, args, process.env, 90_000);
    assert.equal(code, 0, err);
    const { video, audio } = await analyseRecording(path.join(out, 'alice.mp4'), TONE);
    const { frames = 0, numbers = [], width, height } = video ?? {};
    console.log(
      `      RECORDING ${width}x${height} frames=${frames} seconds=${video?.seconds.toFixed(1)} tone=${audio?.toneShare.toFixed(2)}`,
    );
    assert.deepEqual([width, height], [SIZE.width, SIZE.height]);
    assert.ok(frames >= RECORD_S * SIZE.framesPerSecond * 0.5, `${frames} pictures`);
    assert.ok(numbers.length > frames * 0.95, `${numbers.length} of ${frames} pictures can be read`);
    assert.deepEqual(
      [...new Set(numbers)].sort((a, b) => a - b),
      numbers,
    );
    assert.ok((audio?.toneShare ?? 0) > 0.8, `share of the tone: ${audio?.toneShare}`);
  });

  it('serves the example in Python, a container of its own on the same socket, which counts the pictures', async () => {
    await publish();
    await using example = await Container.start(EXAMPLE_IMAGE, {
      environment: { CHANNEL, USER_ID: 'counter' },
      volumes: { '/run/alirtcd': container.volume('/run/alirtcd') },
    });
    const counted = await example.line((line) => ((JSON.parse(line) as Said).users?.['alice']?.pictures ?? 0) >= 45);
    assert.equal((JSON.parse(counted) as Said).users?.['alice']?.size, `${SIZE.width}x${SIZE.height}`);
    assert.equal(await example.stop(), 0, example.errors.join('\n'));
    const said = example.lines.map((line) => JSON.parse(line) as Said);
    const names = said.flatMap(({ name }) => name ?? []);
    for (const name of ['on_join_channel_result', 'on_remote_user_on_line_notify', 'on_remote_track_available_notify'])
      assert.ok(names.includes(name), names.join(', '));
    const last = said.at(-1);
    console.log(`      EXAMPLE ${JSON.stringify(last)}`);
    assert.equal(last?.what, 'left');
    // Its engine went with it.
    await using client = await AlirtcClient.connect(address);
    assert.deepEqual(await client.listEngines(), []);
  });

  it('ends by SIGTERM in the middle of a call with exit code 0, and leaves no process, no socket and no file', async () => {
    await using client = await AlirtcClient.connect(address);
    const engine = await client.createEngine();
    const { token } = await client.generateToken({ channel: CHANNEL, userId: 'still-there' });
    await engine.joinChannel({ token, channelId: CHANNEL, userId: 'still-there' });
    const ids = await container.processIds();
    assert.equal(ids.length, 4);
    assert.equal(await container.stop(), 0, container.errors.slice(-10).join('\n'));
    await eventually(async () => {
      const left = (await readdir('/proc')).filter((id) => ids.includes(Number(id)));
      return left.length === 0 ? undefined : `there are ${left.join(', ')}`;
    });
    assert.deepEqual(await readdir(container.volume('/run/alirtcd')), []);
    assert.deepEqual(await readdir(container.volume('/tmp')), []);
  });

  it('drains as a pod of the fleet is drained before its stop: its engine may finish, and with it the container ends with 0', async () => {
    const manifests = parseAllDocuments(await readFile(path.join(PROJECT, 'docker/kubernetes/fleet.yaml'), 'utf8'));
    const fleet = manifests.map((document) => document.toJS() as Manifest).find(({ kind }) => kind === 'StatefulSet');
    const drain = fleet?.spec.template.spec.containers[0]?.lifecycle.preStop.exec.command ?? [];
    const args = ['--listen', 'unix:/run/alirtcd/alirtcd.sock', '--http-listen', 'off'];
    await using draining = await Container.start(IMAGE, { arguments: [...args, '--drain-seconds', '600'] });
    await draining.line((line) => line.includes('"ready":true'));
    await using client = await AlirtcClient.connect(`unix:${draining.volume('/run/alirtcd')}/alirtcd.sock`);
    const engine = await client.createEngine();
    // It ends when the daemon has ended.
    const asked = draining.exec(...drain);
    await eventually(async () => ((await client.nodeStatus()).draining ? undefined : 'it does not drain'), 30_000);
    assert.equal((await draining.exec('alirtc', 'health')).code, 1);
    assert.equal((await draining.exec('alirtc', 'status')).code, 0);
    await assert.rejects(client.createEngine(), /drains/);
    process.kill(await draining.processId(), 'SIGTERM');
    assert.equal((await client.listEngines()).length, 1);
    await engine.release();
    const { code, err } = await asked;
    // Process 1 takes with it what is left in its namespace.
    assert.ok(code === 0 || code === 137 || code === 'SIGKILL', `${code}: ${err}`);
    assert.equal(await draining.end(), 0, draining.errors.slice(-10).join('\n'));
  });

  let published = false;
  async function publish(): Promise<void> {
    if (published) return;
    await using client = await AlirtcClient.connect(address);
    const user = { channel: CHANNEL, userId: 'alice', format: TokenFormat.LIVEKIT };
    const { token, channelServerUrl } = await client.generateToken(user);
    await peer.call('connect', { url: channelServerUrl, token });
    await peer.call('publish_video', { ...SIZE, codec: 'h264' });
    await peer.call('publish_audio', TONE);
    published = true;
  }
});
