import { accessSync, constants } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';

/** Where Debian's package "chromium" puts it. CHROMIUM in the environment names another one. */
const DEBIAN_CHROMIUM = '/usr/bin/chromium';
/** Pictures of pages that tests leave: out/browser. */
const SCREENSHOTS = fileURLToPath(new URL('../../../out/browser/', import.meta.url));

export interface ChromiumOptions {
  /** Of the fake camera; the encoder of a page is most of what a test costs. */
  cameraFps?: number;
}

/** The executable. Throws a text that names the package when there is none. */
export function findChromium(): string {
  const file = process.env['CHROMIUM'] ?? DEBIAN_CHROMIUM;
  try {
    accessSync(file, constants.X_OK);
    return file;
  } catch {
    throw new Error(
      `the tests with a browser need Chromium, and ${file} cannot be executed: ` +
        `install Debian's package "chromium" (apt-get install --no-install-recommends chromium), or set CHROMIUM to the executable`,
    );
  }
}

/**
 * A Chromium without a window, with a fake camera and microphone, that asks nobody for permission and connects by way of loopback
 * (pages on a machine with only `lo` fail without the last two). The caller closes it.
 */
export async function launchChromium(options: ChromiumOptions = {}): Promise<Browser> {
  const executablePath = findChromium();
  const args = [
    `--use-fake-device-for-media-stream=fps=${options.cameraFps ?? 15}`,
    '--use-fake-ui-for-media-stream',
    '--allow-loopback-in-peer-connection',
    // A tab in the background would slow its timers down and stop drawing.
    '--disable-renderer-backgrounding',
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
  ];
  return chromium.launch({ executablePath, headless: true, args, timeout: 60_000 });
}

export interface LoopbackContext {
  context: BrowserContext;
  /** What pages asked of other machines; each such request was refused. Tests assert that it is empty. */
  strangers: readonly string[];
}

/** A context whose pages get nothing from elsewhere. */
export async function loopbackContext(browser: Browser, options: BrowserContextOptions = {}): Promise<LoopbackContext> {
  const context = await browser.newContext(options);
  const strangers: string[] = [];
  await context.route(
    (url) => /^(https?|wss?):$/.test(url.protocol) && !['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname),
    (route) => {
      strangers.push(route.request().url());
      return route.abort();
    },
  );
  return { context, strangers };
}

/** Leaves out/browser/<name>.png; gives its path. */
export async function screenshot(page: Page, name: string): Promise<string> {
  await mkdir(SCREENSHOTS, { recursive: true });
  const file = path.join(SCREENSHOTS, `${name.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}.png`);
  await page.screenshot({ path: file, fullPage: true });
  return file;
}
