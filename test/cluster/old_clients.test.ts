import { browserToEngineRows } from '../browser/rows/browser_to_engine.js';
import { engineToBrowserRows } from '../browser/rows/engine_to_browser.js';
import { Site } from '../browser/support/site.js';
import { startDaemon } from '../support/running_daemon.js';
import { oldSdk } from './support/old_sdk.js';

/** Before /rtc/v1 was: it appeared in the SDK of late 2025. */
const VERSION = '2.5.9';

describe(`livekit-client ${VERSION}, which knows /rtc only, at the embedded channel server`, () => {
  let site: Site;
  before(async function () {
    this.timeout(240_000);
    site = await Site.open(startDaemon, undefined, await oldSdk(VERSION));
  });
  after(async function () {
    this.timeout(30_000);
    await site.close();
  });

  const rig = { name: `livekit-client ${VERSION}`, path: 'old' as const, site: () => site, leaveLimitMs: 2_000 };
  browserToEngineRows(rig);
  engineToBrowserRows(rig);
});
