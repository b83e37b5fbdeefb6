import assert from 'node:assert/strict';
import { FilePlayer } from '../../../client/media/index.js';
import { LiveFeed } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import type { PageVideo } from '../page/protocol.js';
import type { BrowserPeer } from '../support/browser_peer.js';
import type { BrowserScene } from '../support/browser_scene.js';
import { row, type Rig } from '../support/row.js';
import { FILE_TONE_HZ } from '../support/site.js';

/** What the page saw of somebody's camera since the last report. */
async function cameraOf(tab: BrowserPeer, identity: string): Promise<PageVideo | undefined> {
  return (await tab.call('report', {})).participants[identity]?.video.find(({ source }) => source === 'camera');
}

/** Waits until the element shows this width. */
async function shows(tab: BrowserPeer, identity: string, width: number): Promise<void> {
  await eventually(async () => {
    const video = await cameraOf(tab, identity);
    return video?.width === width ? undefined : `the page shows ${video?.width}x${video?.height}, wanted ${width}`;
  }, 20_000);
}

/** Most of what the page shows in two seconds has a readable number, in order. */
async function checkNumbers(tab: BrowserPeer, identity: string, least = 20): Promise<PageVideo> {
  const before = await cameraOf(tab, identity);
  let pictures = 0;
  let readable = 0;
  let outOfOrder = 0;
  let last: PageVideo | undefined;
  await eventually(async () => {
    last = await cameraOf(tab, identity);
    pictures += last?.pictures ?? 0;
    readable += last?.readable ?? 0;
    outOfOrder += last?.outOfOrder ?? 0;
    return pictures >= least ? undefined : `${pictures} pictures`;
  }, 20_000);
  assert.ok(last !== undefined && before !== undefined);
  assert.ok(readable >= pictures * 0.95, `${readable} of ${pictures} pictures have a readable number`);
  assert.equal(outOfOrder, 0, 'pictures out of order');
  const decoded = last.framesDecoded - before.framesDecoded;
  assert.ok(decoded >= least * 0.8, `getStats: ${decoded} pictures decoded, ${pictures} seen on the canvas`);
  return last;
}

async function hears(tab: BrowserPeer, identity: string, frequency: number): Promise<void> {
  await eventually(async () => {
    const audio = (await tab.call('report', {})).participants[identity]?.audio[0];
    const share = audio?.tones[String(frequency)] ?? 0;
    return share > 0.9 && (audio?.level ?? 0) > 0.02 ? undefined : `sound: ${JSON.stringify(audio)}`;
  }, 20_000);
}

async function playFile(scene: BrowserScene, file: string, run: (tab: BrowserPeer) => Promise<void>): Promise<void> {
  const player = new FilePlayer(scene.channel.client, {
    channel: scene.channel.channel,
    userId: 'dj',
    file,
    loop: true,
  });
  await player.start();
  try {
    await run(await scene.browser('alice'));
  } finally {
    await player.close();
  }
}

/** An engine sends, a browser shows and plays it. */
export function engineToBrowserRows(rig: Rig): void {
  row(rig, 'a file that an engine plays is seen and heard in the page', (scene) =>
    playFile(scene, rig.site().mediaFile, async (tab) => {
      await tab.waitFor((e) => e.event === 'first_picture' && e.identity === 'dj');
      const video = await checkNumbers(tab, 'dj', 30);
      assert.deepEqual([video.width, video.height], [640, 360]);
      await hears(tab, 'dj', FILE_TONE_HZ);
      await scene.screenshots();
    }),
  );

  row(rig, "an engine's dual stream follows the quality that a page asks for", async (scene) => {
    const engine = await scene.channel.engine();
    await engine.publishLocalDualStream(true, { wait: false });
    await scene.channel.join(engine, 'bot');
    const feed = await LiveFeed.start(engine, { width: 640, height: 360, framesPerSecond: 15, frequency: 880 });
    const tab = await scene.browser('alice');
    await tab.waitFor((e) => e.event === 'first_picture');
    await shows(tab, 'bot', 640);
    for (const [quality, width] of [
      ['low', 320],
      ['high', 640],
    ] as const) {
      await tab.call('set_quality', { identity: 'bot', quality });
      await shows(tab, 'bot', width);
      await checkNumbers(tab, 'bot', 15);
      await scene.screenshots(quality);
    }
    await feed.stop();
  });

  row(rig, "an engine's dual stream follows the size of the element, with adaptiveStream", async (scene) => {
    const engine = await scene.channel.engine();
    await engine.publishLocalDualStream(true, { wait: false });
    await scene.channel.join(engine, 'bot');
    const feed = await LiveFeed.start(engine, { width: 640, height: 360, framesPerSecond: 15, frequency: 880 });
    const tab = await scene.browser('alice', { adaptiveStream: true });
    await tab.waitFor((e) => e.event === 'first_picture');
    await tab.call('set_element_size', { identity: 'bot', width: 160, height: 90 });
    await shows(tab, 'bot', 320);
    await tab.call('set_element_size', { identity: 'bot', width: 640, height: 360 });
    await shows(tab, 'bot', 640);
    await checkNumbers(tab, 'bot', 15);
    await feed.stop();
  });
}
