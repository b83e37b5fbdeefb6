import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import type { AlirtcClient, AlirtcEvent } from '../../../client/index.js';
import { EventRecord } from '../../conformance/video/support/event_record.js';
import { LiveFeed } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import type { BrowserPeer } from '../support/browser_peer.js';
import { PictureView } from '../support/picture_view.js';
import { row, type Rig } from '../support/row.js';

const CAMERA = { width: 640, height: 360, framesPerSecond: 15, codec: 'vp8', simulcast: true } as const;
const FEED = { width: 320, height: 180, framesPerSecond: 15, frequency: 880 };
const RELOADS = 5;

/** Sockets that each process of the node has. */
async function socketsOf(client: AlirtcClient): Promise<Record<string, number>> {
  const { processes } = await client.nodeStatus();
  return Object.fromEntries(
    processes.map(({ kind, engineId, processId }) => [
      `${kind} ${engineId}`.trim(),
      readdirSync(`/proc/${processId}/fd`).length,
    ]),
  );
}

/** Pictures and sound of the page are at the engine, and those of the engine in the page. */
async function mediaFlows(tab: BrowserPeer, view: PictureView): Promise<void> {
  await view.next(10);
  await eventually(async () => {
    const bot = (await tab.call('report', {})).participants['bot'];
    const tone = bot?.audio[0]?.tones['880'] ?? 0;
    return tone > 0.9 && (bot?.video[0]?.readable ?? 0) > 0 ? undefined : `the page: ${JSON.stringify(bot)}`;
  }, 20_000);
}

/** The callbacks about one user's coming, tracks and going, in short. */
function lifeOf(events: readonly AlirtcEvent[], uid: string): string[] {
  const life: string[] = [];
  for (const { type, value } of events) {
    if (!('uid' in value) || value.uid !== uid) continue;
    if (type === 'onRemoteUserOnLineNotify') life.push('online');
    if (type === 'onRemoteUserOffLineNotify') life.push('offline');
    if (type === 'onVideoSubscribeStateChanged') life.push(`video ${value.newState}`);
    if (type === 'onAudioSubscribeStateChanged') life.push(`audio ${value.newState}`);
  }
  return life;
}

/** Coming, going and coming again. */
export function comingAndGoingRows(rig: Rig): void {
  row(rig, 'a tab that is closed is offline soon, in the order of the callbacks', async (scene) => {
    const engine = await scene.engine('bot');
    using events = new EventRecord(engine);
    const tab = await scene.browser('alice');
    await tab.call('publish_camera', CAMERA);
    await tab.call('publish_microphone', {});
    using view = new PictureView(engine, 'alice');
    await view.next(10);
    await scene.screenshots();
    const closedAt = performance.now();
    await tab.close();
    await events.first('onRemoteUserOffLineNotify', ({ uid }) => uid === 'alice', rig.leaveLimitMs + 10_000);
    const tookMs = performance.now() - closedAt;
    assert.ok(tookMs < rig.leaveLimitMs, `offline after ${tookMs.toFixed()} ms`);
    const last = events.all.filter(({ type }) => !/Stats/.test(type)).at(-1);
    assert.equal(last?.type, 'onRemoteUserOffLineNotify');
    assert.deepEqual((await engine.snapshot())?.remoteUsers, []);
  });

  row(
    rig,
    'five reloads in a row: media flows again each time, and nothing is left over',
    async (scene) => {
      const engine = await scene.engine('bot');
      using events = new EventRecord(engine);
      const feed = await LiveFeed.start(engine, FEED);
      using view = new PictureView(engine, 'alice');
      const tab = await scene.browser('alice');
      let sockets: Record<string, number> | undefined;
      for (let reload = 0; reload <= RELOADS; reload++) {
        if (reload > 0) {
          await tab.reload();
          await scene.connect(tab, 'alice');
        }
        await tab.call('publish_camera', CAMERA);
        await tab.call('publish_microphone', {});
        await mediaFlows(tab, view);
        await eventually(() => {
          const life = lifeOf(events.all, 'alice');
          const times = (what: string): number => life.filter((one) => one === what).length;
          const all = ['online', 'audio 4', 'video 4'].every((what) => times(what) === reload + 1);
          return all ? undefined : `after ${reload} reloads: ${life.join()}`;
        });
        sockets ??= await socketsOf(scene.channel.client);
      }
      await eventually(async () => {
        const now = await socketsOf(scene.channel.client);
        const more = Object.entries(now).filter(([name, count]) => count > (sockets?.[name] ?? 0) + 1);
        return more.length === 0 ? undefined : `left over: ${JSON.stringify({ before: sockets, now })}`;
      });
      await scene.screenshots();
      await tab.close();
      await events.first('onRemoteUserOffLineNotify', () => events.of('onRemoteUserOffLineNotify').length > RELOADS);
      const life = lifeOf(events.all, 'alice');
      const stays = life
        .join()
        .split(/(?<=offline),/)
        .map((stay) => stay.split(','));
      assert.equal(stays.length, RELOADS + 1);
      for (const stay of stays) {
        assert.equal(stay[0], 'online');
        assert.equal(stay.at(-1), 'offline');
        assert.deepEqual(stay.slice(1, -1).sort(), [
          'audio 1',
          'audio 2',
          'audio 3',
          'audio 4',
          'video 1',
          'video 2',
          'video 3',
          'video 4',
        ]);
      }
      assert.deepEqual((await engine.snapshot())?.remoteUsers, []);
      await feed.stop();
    },
    120_000,
  );

  row(rig, 'two browsers and two engines see and hear one another', async (scene) => {
    const [one, two] = [await scene.engine('one'), await scene.engine('two')];
    const feeds = [await LiveFeed.start(one, FEED), await LiveFeed.start(two, { ...FEED, frequency: 1000 })];
    const [alice, bob] = [await scene.browser('alice'), await scene.browser('bob')];
    for (const tab of [alice, bob]) {
      await tab.call('publish_camera', { ...CAMERA, simulcast: false });
      await tab.call('publish_microphone', {});
    }
    for (const engine of [one, two])
      for (const uid of ['alice', 'bob', engine === one ? 'two' : 'one']) {
        using view = new PictureView(engine, uid);
        await view.next(10);
      }
    for (const [tab, other] of [
      [alice, 'bob'],
      [bob, 'alice'],
    ] as const)
      await eventually(async () => {
        const { participants } = await tab.call('report', {});
        const missing = ['one', 'two', other].filter((identity) => {
          const { video, audio } = participants[identity] ?? {};
          const tone = { one: '880', two: '1000' }[identity];
          const heard = tone === undefined || (audio?.[0]?.tones[tone] ?? 0) > 0.9;
          return !heard || (video?.[0]?.changed ?? 0) < 1;
        });
        return missing.length === 0 ? undefined : `not seen and heard: ${missing.join()}`;
      }, 20_000);
    for (const feed of feeds) await feed.stop();
  });
}
