import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { AlirtcClient, EndCause } from '../../../client/index.js';
import type { AlirtcEvent } from '../../../client/index.js';
import { CreateAliRTCEngineRequest, RenewLeaseRequest } from '../../../gen/alirtc/v1/engine.js';
import type { CreateAliRTCEngineResponse } from '../../../gen/alirtc/v1/engine.js';
import { eventually } from '../../support/eventually.js';
import { makeSourceFile } from '../../support/media/source_file.js';
import { rpc } from '../../support/rpc.js';
import { BIN, startDaemon } from '../../support/running_daemon.js';
import { Scene } from './scene.js';

const LEASE_S = 2;
/** So long nobody may end what somebody uses. */
const LONGER_MS = 3_500;
type MaybePromise<T> = T | Promise<T>;
/** Opens something that holds the lease; what it returns ends it. */
type Hold = (engineId: string) => MaybePromise<() => MaybePromise<unknown>>;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('the lease of an engine', function () {
  this.timeout(60_000);
  let scene: Scene;
  let client: AlirtcClient;
  before(async () => {
    scene = await Scene.start();
    client = await AlirtcClient.connect(scene.daemon.target);
  });
  afterEach(() => scene.cores.forget());
  after(async () => {
    client.close();
    await scene.close();
  });

  /** An engine that no object renews. */
  const create = (request: object = { leaseSeconds: LEASE_S }): Promise<CreateAliRTCEngineResponse> =>
    rpc((done) =>
      scene.daemon.engines.createAliRtcEngine(
        CreateAliRTCEngineRequest.fromPartial({ ...request, extra: scene.cores.extra() }),
        done,
      ),
    );
  const isListed = async (engineId: string): Promise<boolean> =>
    (await client.listEngines()).some((engine) => engine.engineId === engineId);
  const isOver = (engineId: string) =>
    eventually(async () => ((await isListed(engineId)) ? 'it lives' : undefined), 20_000);

  async function history(engineId: string): Promise<AlirtcEvent[]> {
    const events: AlirtcEvent[] = [];
    for await (const event of client.engine(engineId).events({ fromSequence: 1 })) events.push(event);
    return events;
  }

  it('runs out when nobody is there: it leaves its channel, ends its core, and the last event says why', async () => {
    const { engineId, coreProcessId, leaseSeconds } = await create();
    assert.equal(leaseSeconds, LEASE_S);
    const core = await scene.cores.next();
    await scene.join(engineId);
    await isOver(engineId);
    const events = await history(engineId);
    const types = events.map(({ type }) => type).filter((type) => !type.endsWith('PublishStateChanged'));
    assert.deepEqual(types.slice(-5), [
      'engineStateChanged',
      'onLeaveChannelResult',
      'engineStateChanged',
      'engineStateChanged',
      'ended',
    ]);
    const last = events.at(-1);
    assert.ok(last?.type === 'ended' && last.value.cause === EndCause.LEASE_EXPIRED);
    assert.match(last.value.detail, /for 2 s no stream was open/);
    assert.equal(core.of('LEAVE_CHANNEL').length, 1);
    assert.equal(existsSync(`/proc/${coreProcessId}`), false);
    await client.engine(engineId).release();
  });

  const HOLDERS: readonly (readonly [title: string, open: Hold])[] = [
    [
      'an event stream',
      (engineId: string) => {
        const events = client.engine(engineId).events();
        return () => events.cancel();
      },
    ],
    [
      'a frame stream',
      (engineId: string) => {
        const frames = client.engine(engineId).mixedAudio();
        return () => frames.cancel();
      },
    ],
    [
      'a push stream that half-closes',
      async (engineId: string) => {
        const engine = client.engine(engineId);
        await engine.setExternalVideoSource(true);
        const push = engine.videoPush();
        return () => push.end();
      },
    ],
    [
      'a push stream that is cancelled',
      async (engineId: string) => {
        const engine = client.engine(engineId);
        await engine.setExternalAudioSource(true);
        const abort = new AbortController();
        const push = engine.audioPush({ signal: abort.signal });
        await scene.join(engineId);
        await push.push({ data: Buffer.alloc(960) });
        return () => abort.abort();
      },
    ],
  ];
  for (const [title, open] of HOLDERS)
    it(`is held by ${title}, until it ends`, async () => {
      const { engineId } = await create();
      const close = await open(engineId);
      await pause(LONGER_MS);
      assert.ok(await isListed(engineId));
      await close();
      await isOver(engineId);
      const last = (await history(engineId)).at(-1);
      assert.ok(last?.type === 'ended' && last.value.cause === EndCause.LEASE_EXPIRED);
    });

  it('is renewed by RenewLease, and by every call on the engine', async () => {
    const { engineId } = await create();
    const engine = client.engine(engineId);
    const begun = performance.now();
    for (let count = 0; performance.now() - begun < LONGER_MS; count += 1) {
      if (count % 2 === 0) await engine.muteLocalMic(true);
      else {
        const renewed = await rpc<{ leaseSeconds: number }>((done) =>
          scene.daemon.engines.renewLease(RenewLeaseRequest.fromPartial({ engineId }), done),
        );
        assert.equal(renewed.leaseSeconds, LEASE_S);
      }
      await pause(250);
    }
    await isOver(engineId);
  });

  it('is not renewed by who only looks at it', async () => {
    const { engineId } = await create();
    await eventually(async () => {
      await client.engine(engineId).snapshot();
      return (await isListed(engineId)) ? 'it lives' : undefined;
    });
  });

  it('is off for a detached engine, which is listed as such', async () => {
    const { engineId, leaseSeconds } = await create({ detached: true });
    assert.equal(leaseSeconds, 0);
    await pause(LONGER_MS);
    const listed = (await client.listEngines()).find((engine) => engine.engineId === engineId);
    assert.equal(listed?.leaseSeconds, 0);
    assert.equal(await client.engine(engineId).renewLease(), 0);
    await client.engine(engineId).release();
    await assert.rejects(create({ detached: true, leaseSeconds: 5 }), /lease_seconds/);
  });

  it("is renewed by the client's object, until the client is closed", async () => {
    const mine = await AlirtcClient.connect(scene.daemon.target);
    const { engineId } = await mine.createEngine({ leaseSeconds: LEASE_S, extra: scene.cores.extra() });
    await pause(LONGER_MS);
    assert.ok(await isListed(engineId));
    mine.close();
    await isOver(engineId);
  });

  it('is that of the daemon when nothing is said, 30 s', async () => {
    const { engineId, leaseSeconds } = await create({});
    assert.equal(leaseSeconds, 30);
    await client.engine(engineId).release();
  });
});

describe('a command of alirtc that is killed', function () {
  this.timeout(120_000);

  it('leaves no engine and no core: record, play, events', async () => {
    await using daemon = await startDaemon({ args: ['--lease-seconds', '4'] });
    const client = await AlirtcClient.connect(daemon.address);
    const file = path.join(daemon.folder, 'source.mp4');
    const shape = { width: 160, height: 120, framesPerSecond: 10, seconds: 60, frequency: 440, beepFactor: 4 };
    await makeSourceFile({ path: file, ...shape });
    const channel = ['--channel', 'killed', '--user'];
    const commands = [
      ['record', ...channel, 'archive', '--out', daemon.folder],
      ['play', ...channel, 'dj', file],
      ['events', ...channel, 'watcher'],
    ];
    const children = commands.map((args) =>
      spawn(process.execPath, [path.join(BIN, 'alirtc.mjs'), '--address', daemon.address, ...args], {
        stdio: 'ignore',
      }),
    );
    await eventually(async () => {
      const users = (await client.listEngines()).map(({ userId }) => userId).sort();
      return users.join() === 'archive,dj,watcher' ? undefined : `in the channel: ${users.join()}`;
    }, 60_000);
    for (const child of children) {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    await eventually(async () => {
      const engines = await client.listEngines();
      return engines.length === 0 ? undefined : `${engines.length} engines`;
    }, 30_000);
    const { processes } = await client.nodeStatus();
    assert.deepEqual(
      processes.filter(({ kind }) => kind === 'core'),
      [],
    );
    client.close();
  });
});
