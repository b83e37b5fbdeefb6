import assert from 'node:assert/strict';
import { CONSOLE_HEADER, type TokenAnswer } from '../../common/console_api.js';
import { LiveFeed } from '../support/channel_scene.js';
import { startDaemon } from '../support/running_daemon.js';
import { ChannelServerForDaemon } from './support/channel_server.js';
import { consoleRow } from './support/console_row.js';
import { checkFakeCamera } from './support/fake_devices.js';
import { PictureView } from './support/picture_view.js';
import { Site } from './support/site.js';

const FLAGS = ['--console-tokens', 'on'];
const FEED = { width: 320, height: 180, framesPerSecond: 15, frequency: 880 };
const SOON = { timeout: 30_000 };

describe('the console of a daemon whose engines are at different channel servers', () => {
  let usual: ChannelServerForDaemon;
  let other: ChannelServerForDaemon;
  let site: Site;
  before(async function () {
    this.timeout(90_000);
    [usual, other] = await Promise.all([ChannelServerForDaemon.start(), ChannelServerForDaemon.start()]);
    const servers = ['--channel-server-url', usual.url, '--channel-server-allowed', other.url];
    site = await Site.open(() => startDaemon({ args: [...FLAGS, ...servers] }));
  });
  after(async function () {
    this.timeout(30_000);
    await site.close();
    await Promise.all([usual[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
  });

  consoleRow(
    () => site,
    'a person joins where the engines of the channel are, and each sees the other',
    async (scene) => {
      const { channel, client } = scene.channel;
      const engine = await client.createEngine({ channelServerUrl: other.url });
      await scene.channel.join(engine, 'bot');
      const feed = await LiveFeed.start(engine, FEED);
      try {
        const view = await scene.view(`channels/${channel}`);
        const { page } = view;
        await page.getByRole('textbox', { name: 'Your name there' }).fill('ann', SOON);
        await page.getByRole('button', { name: 'Join', exact: true }).click();
        await page.getByRole('button', { name: 'Camera on', pressed: true }).waitFor(SOON);
        using pictures = new PictureView(engine, 'ann');
        checkFakeCamera(await pictures.next(15, undefined, 40_000));
        const numbers = await view.numbers('.tile[data-identity="bot"] video', 8);
        assert.ok(new Set(numbers).size >= 8, `the bot's pictures: ${numbers.join()}`);
      } finally {
        await feed.stop();
        await engine.release();
      }
    },
    120_000,
  );

  consoleRow(
    () => site,
    'a token names the server of the engines, and the usual one where there are none',
    async (scene) => {
      const urlOf = async (channel: string): Promise<string> => {
        const headers = { [CONSOLE_HEADER]: '1', 'content-type': 'application/json' };
        const body = JSON.stringify({ channel, userId: 'ann' });
        const answer = await fetch(`${scene.address}api/v1/tokens`, { method: 'POST', headers, body });
        return ((await answer.json()) as TokenAnswer).url;
      };
      const { channel, client } = scene.channel;
      assert.equal(await urlOf(channel), usual.url);
      const engine = await client.createEngine({ channelServerUrl: other.url });
      await scene.channel.join(engine, 'bot');
      assert.equal(await urlOf(channel), other.url);
      assert.equal(await urlOf(`${channel}-empty`), usual.url);
      // With engines at both it is the usual one.
      const second = await scene.channel.engine();
      await scene.channel.join(second, 'bot2');
      assert.equal(await urlOf(channel), usual.url);
      await second.leaveChannel();
      assert.equal(await urlOf(channel), other.url);
      await engine.release();
      assert.equal(await urlOf(channel), usual.url);
    },
  );
});
