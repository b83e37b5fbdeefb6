import assert from 'node:assert/strict';
import type { EngineView } from '../../../common/console_api.js';
import { eventually } from '../../support/eventually.js';
import { consoleRow } from '../support/console_row.js';
import { checkFakeCamera, checkFakeMicrophone } from '../support/fake_devices.js';
import { PictureView } from '../support/picture_view.js';
import { FILE_TONE_HZ, type Site } from '../support/site.js';

const SOON = { timeout: 30_000 };

/** A person joins beside the bots. */
export function consoleChannelRows(site: () => Site): void {
  consoleRow(
    site,
    'a person joins with camera and microphone, sees and hears the bot, and an engine sees and hears the person',
    async (scene) => {
      const { channel } = scene.channel;
      await scene.player();
      const engine = await scene.engine('archive');
      const view = await scene.view();
      const { page } = view;
      await page.getByRole('link', { name: `Join ${channel} beside them` }).click(SOON);
      await page.getByRole('textbox', { name: 'Your name there' }).fill('ann');
      await page.getByRole('button', { name: 'Join', exact: true }).click();
      await page.getByRole('heading', { name: channel, level: 1 }).waitFor(SOON);
      const microphone = page.getByRole('button', { name: /^Microphone/ });
      const camera = page.getByRole('button', { name: /^Camera/ });
      await page.getByRole('button', { name: 'Camera on', pressed: true }).waitFor(SOON);

      using pictures = new PictureView(engine, 'ann');
      checkFakeCamera(await pictures.next(15, undefined, 40_000));
      // Where the time between beeps is stretched by a machine that is busy, it is listened to once more.
      await checkFakeMicrophone(engine, 'ann').catch(() => checkFakeMicrophone(engine, 'ann', 5));

      const numbers = await view.numbers('.tile[data-identity="dj"] video', 8);
      assert.ok(new Set(numbers).size >= 8, `the bot's pictures: ${numbers.join()}`);
      await eventually(async () => {
        const tone = await view.tone('audio[data-owner="dj"]');
        return Math.abs(tone - FILE_TONE_HZ) < 15 ? undefined : `the bot sounds like ${tone.toFixed()} Hz`;
      }, 20_000);
      await view.screenshot('channel_wide_light');

      // Switched off, the other side knows.
      await microphone.click();
      await page.getByRole('button', { name: 'Microphone off', pressed: false }).waitFor(SOON);
      await camera.click();
      await page.getByRole('button', { name: 'Camera off', pressed: false }).waitFor(SOON);
      await page.getByRole('button', { name: 'Leave' }).click();
      await page.getByRole('heading', { name: 'Join a channel' }).waitFor(SOON);
      await eventually(async () => {
        const { users } = await scene.api<EngineView>(`engines/${engine.engineId}`);
        return users.some(({ uid }) => uid === 'ann') ? 'the person is still in the channel' : undefined;
      }, 20_000);
    },
    120_000,
  );

  consoleRow(
    site,
    'says what is wrong with a camera that cannot be used, and the person joins without it',
    async (scene) => {
      const view = await scene.view(`channels/${scene.channel.channel}`);
      const { page } = view;
      // Chromium's own answer when the system has no camera.
      await page.evaluate(`{
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = (wanted) =>
        wanted.video ? Promise.reject(new DOMException('Requested device not found', 'NotFoundError')) : ask(wanted);
    }`);
      await page.getByRole('button', { name: 'Join', exact: true }).click(SOON);
      const alert = page.getByRole('alert').filter({ hasText: 'Camera: there is none on this machine.' });
      await alert.waitFor(SOON);
      await page.getByRole('button', { name: 'Microphone on', pressed: true }).waitFor(SOON);
      await page.getByText('You are here alone.').waitFor(SOON);
      await view.screenshot('channel_without_camera');
    },
  );

  consoleRow(site, 'a name that an engine has is refused with its reason', async (scene) => {
    const engine = await scene.channel.engine();
    await scene.channel.join(engine, 'bot');
    const view = await scene.view(`channels/${scene.channel.channel}`);
    await view.page.getByRole('textbox', { name: 'Your name there' }).fill('bot', SOON);
    await view.page.getByRole('button', { name: 'Join', exact: true }).click();
    await view.page.getByRole('alert').filter({ hasText: 'bot is an engine in' }).waitFor(SOON);
  });
}
