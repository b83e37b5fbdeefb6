import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import { eventually } from '../../support/eventually.js';
import { readPictureNumber } from '../../support/media/numbered_picture.js';
import { loopbackContext, type LoopbackContext } from './chromium.js';
import type { Site } from './site.js';

const SCREENSHOTS = fileURLToPath(new URL('../../../out/browser/console/', import.meta.url));

/** What a page draws of an element's picture: its size, and the luma of its upper eighth, where numbered pictures have their number. */
const READ_BAND = `(selector) => {
  const element = document.querySelector(selector);
  const width = element?.naturalWidth ?? element?.videoWidth ?? 0;
  const height = element?.naturalHeight ?? element?.videoHeight ?? 0;
  if (width === 0 || element.complete === false) return undefined;
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  context.drawImage(element, 0, 0);
  const { data } = context.getImageData(0, 0, width, Math.floor(height / 8));
  const luma = [];
  for (let i = 0; i < data.length; i += 4) luma.push(Math.round(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]));
  return { width, height, luma };
}`;

/** The strongest frequency of an audio element, in Hz, over a second. */
const READ_TONE = `async (selector) => {
  const element = document.querySelector(selector);
  if (!element?.srcObject) return 0;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  context.createMediaStreamSource(element.srcObject).connect(analyser);
  await context.resume();
  const bins = new Float32Array(analyser.frequencyBinCount);
  const sums = new Float64Array(bins.length);
  for (let round = 0; round < 10; round++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    analyser.getFloatFrequencyData(bins);
    bins.forEach((db, bin) => { sums[bin] += Number.isFinite(db) ? 10 ** (db / 10) : 0; });
  }
  const hzPerBin = context.sampleRate / analyser.fftSize;
  await context.close();
  const best = sums.indexOf(Math.max(...sums));
  return sums[best] > 0 ? best * hzPerBin : 0;
}`;

interface Band {
  width: number;
  height: number;
  luma: number[];
}

/** A tab with the console in it. Dispose closes it, and fails when the page loaded something from elsewhere or broke its own rules. */
export class ConsoleView implements AsyncDisposable {
  /** What the browser complained about: errors of scripts, and of the Content-Security-Policy. */
  readonly complaints: string[] = [];

  private constructor(
    readonly page: Page,
    private readonly loopback: LoopbackContext,
  ) {}

  static async open(site: Site, address: string, options: BrowserContextOptions = {}): Promise<ConsoleView> {
    const loopback = await loopbackContext(site.browser, { viewport: { width: 1280, height: 900 }, ...options });
    const page = await loopback.context.newPage();
    const view = new ConsoleView(page, loopback);
    page.on('pageerror', (error) => view.complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && /Content Security Policy/i.test(message.text()))
        view.complaints.push(message.text());
    });
    await page.goto(address);
    return view;
  }

  /** The row of an engine in the list. */
  row(engineId: string): Locator {
    return this.page.getByRole('row').filter({ hasText: engineId });
  }

  panel(title: string): Locator {
    return this.page.getByRole('region', { name: title, exact: true });
  }

  /** The number in what an element shows now. */
  async number(selector: string): Promise<number | undefined> {
    const band = await this.page.evaluate<Band | undefined>(`(${READ_BAND})(${JSON.stringify(selector)})`);
    return band === undefined ? undefined : readPictureNumber(Uint8Array.from(band.luma), band.width, band.height);
  }

  /** Waits until the element has shown so many different numbers, and gives them. */
  async numbers(selector: string, count: number, timeoutMs = 30_000): Promise<number[]> {
    const seen: number[] = [];
    await eventually(async () => {
      const number = await this.number(selector);
      if (number !== undefined && seen.at(-1) !== number) seen.push(number);
      return seen.length >= count ? undefined : `${selector} showed the numbers ${seen.join() || '(none)'}`;
    }, timeoutMs);
    return seen;
  }

  /** The strongest frequency of an audio element, in Hz. */
  tone(selector: string): Promise<number> {
    return this.page.evaluate<number>(`(${READ_TONE})(${JSON.stringify(selector)})`);
  }

  /** What has the focus, as a screen reader would name it. */
  focused(): Promise<string> {
    return this.page.evaluate<string>(
      `(document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '').trim()`,
    );
  }

  async assertFitsWidth(): Promise<void> {
    const excess = await this.page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    assert.equal(excess, 0, `the page is ${excess} pixels wider than the window`);
  }

  /** Leaves out/browser/console/<name>.png. */
  async screenshot(name: string): Promise<void> {
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`), fullPage: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.loopback.context.close();
    assert.deepEqual(this.loopback.strangers, [], 'the page asked another machine for something');
    assert.deepEqual(this.complaints, [], 'the page broke');
  }
}
