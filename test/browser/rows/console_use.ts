import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { eventually } from '../../support/eventually.js';
import { consoleRow } from '../support/console_row.js';
import type { ConsoleView } from '../support/console_view.js';
import type { Site } from '../support/site.js';

const SOON = { timeout: 30_000 };
const NARROW = { width: 400, height: 860 };

/** By keyboard, on narrow pages, by light and dark, by a screen reader's names. */
export function consoleUseRows(site: () => Site): void {
  consoleRow(site, 'everything can be reached and used by keyboard alone', async (scene) => {
    const engine = await scene.channel.engine();
    await scene.channel.join(engine, 'bot');
    const view = await scene.view();
    const { page } = view;
    await view.row(engine.engineId).waitFor(SOON);

    await page.keyboard.press('Tab');
    assert.equal(await view.focused(), 'Skip to content');
    await page.keyboard.press('Enter');
    await tabTo(view, engine.engineId);
    assert.ok(await hasFocusRing(page), 'the focus cannot be seen');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: new RegExp(engine.engineId) }).waitFor(SOON);

    await tabTo(view, 'Release');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Release' });
    await dialog.waitFor(SOON);
    assert.equal(await view.focused(), 'Cancel');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    assert.equal(await view.focused(), 'Release', 'the focus did not come back');
    await page.keyboard.press('Enter');
    await tabTo(view, 'Release');
    await page.keyboard.press('Enter');
    await page.getByText('This engine is over: released').waitFor(SOON);
  });

  consoleRow(
    site,
    'fits 400 pixels of width, in light and dark',
    async (scene) => {
      await scene.player();
      const engine = await scene.engine('archive');
      for (const colorScheme of ['light', 'dark'] as const) {
        const places = {
          overview: '',
          engine: `engines/${engine.engineId}`,
          join: `channels/${scene.channel.channel}`,
        };
        for (const [name, place] of Object.entries(places)) {
          await using narrow = await scene.view(place, { colorScheme, viewport: NARROW });
          await settled(narrow);
          await narrow.assertFitsWidth();
          await narrow.screenshot(`${name}_400_${colorScheme}`);
          await using wide = await scene.view(place, { colorScheme, viewport: { width: 1440, height: 900 } });
          await settled(wide);
          await wide.assertFitsWidth();
          await wide.screenshot(`${name}_wide_${colorScheme}`);
          const ground = await wide.page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
          const brightness = Math.max(...(ground.match(/\d+/g) ?? []).slice(0, 3).map(Number));
          assert.ok(colorScheme === 'light' ? brightness > 230 : brightness < 40, `${colorScheme}: ${ground}`);
        }
      }
    },
    150_000,
  );

  consoleRow(site, 'has names and roles for a screen reader, and enough contrast', async (scene) => {
    const engine = await scene.channel.engine();
    await scene.channel.join(engine, 'bot');
    const view = await scene.view(`engines/${engine.engineId}`);
    await settled(view);
    const tree = await view.page.locator('body').ariaSnapshot();
    for (const part of [
      /banner:/,
      /navigation "Views":/,
      /main:/,
      /heading "eng_\w+ joined" \[level=1\]/,
      /region "Events":/,
      /log "Events of eng_\w+"/,
      /searchbox "Filter events"/,
      /img "CPU, the last five minutes\. Now: /,
      /status: Live/,
    ])
      assert.match(tree, part);
    assert.doesNotMatch(tree, /^\s*- (button|link|textbox|checkbox)\s*:?\s*$/m, 'something has no name');
    for (const colorScheme of ['light', 'dark'] as const) {
      await view.page.emulateMedia({ colorScheme });
      const poor = await view.page.evaluate<string[]>(POOR_CONTRAST);
      assert.deepEqual(poor, [], `too little contrast in ${colorScheme}`);
    }
  });
}

/** The newest figures are there. */
async function settled(view: ConsoleView): Promise<void> {
  const text = view.page.getByText('Live', { exact: true });
  await text.first().waitFor(SOON);
  await view.page.getByRole('log').or(view.page.getByRole('textbox')).first().waitFor(SOON);
}

async function tabTo(view: ConsoleView, name: string): Promise<void> {
  const passed: string[] = [];
  for (let presses = 0; presses < 60; presses++) {
    await view.page.keyboard.press('Tab');
    const focused = await view.focused();
    if (focused === name) return;
    passed.push(focused.slice(0, 30));
  }
  assert.fail(`Tab never came to ${name}; it passed ${passed.join(' | ')}`);
}

async function hasFocusRing(page: Page): Promise<boolean> {
  let width = '';
  await eventually(async () => {
    width = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineWidth');
    return Number.parseFloat(width) >= 2 ? undefined : `an outline of ${width}`;
  });
  return true;
}

/** Texts whose contrast with what lies behind them is below 4.5 to 1 (WCAG 2.2, 1.4.3). */
const POOR_CONTRAST = `(() => {
  const parse = (text) => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.fillStyle = text;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => {
    const part = (value) => { const c = value / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return [255, 255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
    if (!own || element.closest('.visually-hidden, .skip-link, svg, .button:disabled') || element.getClientRects().length === 0) continue;
    const [a, b] = [luminance(parse(getComputedStyle(element).color)), luminance(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(element.textContent.trim().slice(0, 30) + ' ' + ratio.toFixed(2));
  }
  return poor;
})()`;
