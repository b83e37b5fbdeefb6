import type { Browser } from 'playwright-core';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { launchChromium } from './chromium.js';
import { PageServer } from './page_server.js';

/** What the rows of a file share: one Chromium, one test page, one daemon. */
export class Site {
  private constructor(
    readonly browser: Browser,
    readonly pages: PageServer,
    readonly daemon: RunningDaemon,
  ) {}

  /** start: of the daemon; default one with the embedded channel server. */
  static async open(start: () => Promise<RunningDaemon> = startDaemon): Promise<Site> {
    const browser = await launchChromium();
    try {
      const pages = await PageServer.start();
      try {
        return new Site(browser, pages, await start());
      } catch (error) {
        await pages.close();
        throw error;
      }
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.daemon.stop();
    await this.browser.close();
    await this.pages.close();
  }
}
