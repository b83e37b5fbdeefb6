import assert from 'node:assert/strict';
import type { EngineView, HistoryView } from '../../../common/console_api.js';
import { eventually } from '../../support/eventually.js';
import { consoleRow } from '../support/console_row.js';
import type { Site } from '../support/site.js';

const SOON = { timeout: 20_000 };

/** What is seen of engines: the list, events, a preview, plots. */
export function consoleEngineRows(site: () => Site): void {
  consoleRow(site, 'lists engines while they come, join and go, without a reload', async (scene) => {
    const view = await scene.view();
    await view.page.getByText('No engines', { exact: true }).or(view.page.getByRole('table')).first().waitFor(SOON);
    const engine = await scene.channel.engine();
    const row = view.row(engine.engineId);
    await row.getByText('ready').waitFor(SOON);
    await scene.channel.join(engine, 'bot');
    await row.getByText('joined').waitFor(SOON);
    await row.getByText(`${scene.channel.channel} as bot`).waitFor(SOON);
    await row.getByText(/\d+ MB/).waitFor(SOON);
    await engine.release();
    await row.waitFor({ state: 'hidden', ...SOON });
    await view.page.getByText(/engines? ended lately/).click();
    await row.getByText('released').waitFor(SOON);
  });

  consoleRow(
    site,
    'tells events as they happen, and still after a reload; they can be filtered and held',
    async (scene) => {
      const engine = await scene.channel.engine();
      const overview = await scene.view();
      const view = await scene.view(`engines/${engine.engineId}`);
      const log = view.page.getByRole('log');
      await log.getByText('EngineStateChanged').first().waitFor(SOON);
      await scene.channel.join(engine, 'bot');
      await log.getByText('OnJoinChannelResult').waitFor(SOON);
      await overview.page.getByRole('log').getByText('OnJoinChannelResult').first().waitFor(SOON);

      await view.page.reload();
      await log.getByText('OnJoinChannelResult').waitFor(SOON);
      await view.page.getByRole('searchbox', { name: 'Filter events' }).fill('joinchannel bot');
      await eventually(async () => {
        const count = await log.getByRole('listitem').count();
        return count === 1 ? undefined : `${count} events fit the filter`;
      });
      await view.page.getByRole('searchbox').fill('');
      await view.page.getByRole('checkbox', { name: 'Statistics' }).check();
      await log.getByText('OnCallStats').first().waitFor(SOON);

      await view.page.getByRole('button', { name: 'Pause' }).click();
      const held = await log.getByRole('listitem').count();
      await view.page.getByRole('button', { name: /Go on \(\d+ new/ }).waitFor(SOON);
      assert.equal(await log.getByRole('listitem').count(), held);
      await view.page.getByRole('button', { name: /Go on/ }).click();
      await eventually(async () => ((await log.getByRole('listitem').count()) > held ? undefined : 'still held'));
    },
  );

  consoleRow(site, 'shows what an engine receives, and has it decoded only meanwhile', async (scene) => {
    await scene.player();
    const engine = await scene.engine('archive');
    const view = await scene.view(`engines/${engine.engineId}`);
    const decoded = async (): Promise<number> =>
      (await scene.api<EngineView>(`engines/${engine.engineId}`)).users[0]?.cameraFigures?.fps ?? 0;
    await view
      .panel('Receives')
      .getByRole('row', { name: /dj camera subscribed/ })
      .waitFor(SOON);
    assert.equal(await decoded(), 0, 'pictures are decoded that nobody asked for');

    await view.panel('Preview').getByRole('button', { name: 'Look' }).click();
    const began = performance.now();
    let loaded = 0;
    view.page.on('response', (response) => (loaded += response.url().includes('/preview?') ? 1 : 0));
    const numbers = await view.numbers('.preview img', 5);
    // 300 pictures in the file, which begins anew; on a busy machine some come late, but none twice and none from before.
    const steps = numbers.slice(1).map((number, index) => (number - (numbers[index] ?? 0) + 300) % 300);
    assert.ok(
      steps.every((step) => step < 150),
      `the numbers were ${numbers.join()}`,
    );
    const seconds = (performance.now() - began) / 1000;
    assert.ok(loaded <= seconds + 2, `${loaded} pictures in ${seconds.toFixed(1)} s`);
    await eventually(async () => ((await decoded()) > 5 ? undefined : 'nothing is decoded'), 15_000);
    await view.screenshot('engine_with_preview');

    await view.panel('Preview').getByRole('button', { name: 'Stop' }).click();
    await eventually(async () => ((await decoded()) === 0 ? undefined : 'pictures are still decoded'), 20_000);
  });

  consoleRow(site, 'draws the last minutes', async (scene) => {
    await scene.player();
    const engine = await scene.engine('archive');
    const view = await scene.view(`engines/${engine.engineId}`);
    const plots = ['Bit rate', 'Pictures', 'Frames to programs', 'Lost packets', 'Memory', 'CPU'];
    for (const title of plots)
      await view.page.getByRole('img', { name: new RegExp(`^${title}, the last five minutes`) }).waitFor(SOON);
    await view.page.getByRole('img', { name: /^Bit rate.*received [1-9][\d.]* [kM]bit\/s/ }).waitFor(SOON);
    await view.page.getByRole('img', { name: /^Memory.*resident [1-9]\d* MB/ }).waitFor(SOON);
    // Colours of lines and of what lies below them, not only of the grid.
    await eventually(async () => {
      const painted = await view.page.evaluate<number[]>(COLOURED_POINTS);
      const isDrawn = painted.length === plots.length && painted.every((count) => count > 20);
      return isDrawn ? undefined : `coloured points of each plot: ${painted.join()}`;
    }, 50_000);

    const { samples } = await scene.api<HistoryView>(`engines/${engine.engineId}/history`);
    assert.ok(samples.length >= 2 && samples.every(({ residentBytes }) => residentBytes > 10_000_000));
  });
}

/** Of each plot. A line of zeros is a few points for each sample. */
const COLOURED_POINTS = `[...document.querySelectorAll('.plot canvas')].map((canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, alpha] = data.subarray(i, i + 4);
    if (alpha > 40 && Math.max(r, g, b) - Math.min(r, g, b) > 60) count++;
  }
  return count;
})`;
