import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { makeSourceFile } from '../../support/media/source_file.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { launchChromium } from './chromium.js';
import { PageServer } from './page_server.js';

/** Of the file that engines play: its tone, and the beep that begins every second. */
export const FILE_TONE_HZ = 600;
const FILE_BEEP_HZ = 1500;

interface Parts {
  browser: Browser;
  pages: PageServer;
  daemon: RunningDaemon;
  mediaFile: string;
}

/** What the rows of a file share: one Chromium, one test page, one daemon, one media file. */
export class Site {
  readonly #closers: (() => Promise<unknown>)[] = [];
  #parts: Parts | undefined;

  private constructor(
    /** Where pages join; undefined: where the daemon says. */
    readonly pagesJoin: string | undefined,
  ) {}

  /** `sdk`: the folder of another livekit-client than the installed one. */
  static async open(
    start: () => Promise<RunningDaemon> = startDaemon,
    pagesJoin?: string,
    sdk?: string,
  ): Promise<Site> {
    const site = new Site(pagesJoin);
    try {
      const browser = await launchChromium();
      site.#closers.push(() => browser.close());
      const pages = await PageServer.start(sdk);
      site.#closers.push(() => pages.close());
      const daemon = await start();
      site.#closers.push(() => daemon.stop());
      site.#parts = { browser, pages, daemon, mediaFile: await site.#mediaFile() };
      return site;
    } catch (error) {
      await site.close();
      throw error;
    }
  }

  get browser(): Browser {
    return this.#open.browser;
  }

  get pages(): PageServer {
    return this.#open.pages;
  }

  get daemon(): RunningDaemon {
    return this.#open.daemon;
  }

  /** 640x360 at 15 pictures a second, with their numbers, and a tone. */
  get mediaFile(): string {
    return this.#open.mediaFile;
  }

  get #open(): Parts {
    if (this.#parts === undefined) throw new Error('the site is not open');
    return this.#parts;
  }

  async #mediaFile(): Promise<string> {
    const folder = await mkdtemp(path.join(tmpdir(), 'alirtcd-browser-'));
    this.#closers.push(() => rm(folder, { recursive: true, force: true }));
    const file = path.join(folder, 'source.mp4');
    await makeSourceFile({
      path: file,
      width: 640,
      height: 360,
      framesPerSecond: 15,
      seconds: 20,
      frequency: FILE_TONE_HZ,
      beepFactor: FILE_BEEP_HZ / FILE_TONE_HZ,
    });
    return file;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }
}
