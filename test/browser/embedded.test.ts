import { browserToEngineRows } from './rows/browser_to_engine.js';
import { codecRows } from './rows/codecs.js';
import { comingAndGoingRows } from './rows/coming_and_going.js';
import { engineToBrowserRows } from './rows/engine_to_browser.js';
import { messageAndMuteRows } from './rows/messages_and_mute.js';
import { screenShareRows } from './rows/screen_share.js';
import type { SignalPath } from './support/browser_scene.js';
import { Site } from './support/site.js';

const PATHS: SignalPath[] = ['/rtc/v1', '/rtc'];

describe('browsers and engines at the embedded channel server', () => {
  let site: Site;
  before(async function () {
    this.timeout(90_000);
    site = await Site.open();
  });
  after(async function () {
    this.timeout(30_000);
    await site.close();
  });

  for (const path of PATHS)
    describe(`by ${path}`, () => {
      const rig = { name: `embedded ${path}`, path, site: () => site, leaveLimitMs: 2_000 };
      browserToEngineRows(rig);
      engineToBrowserRows(rig);
      screenShareRows(rig);
      messageAndMuteRows(rig);
      comingAndGoingRows(rig);
      codecRows(rig, 'embedded');
    });
});
