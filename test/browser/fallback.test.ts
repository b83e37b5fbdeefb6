import { startDaemon } from '../support/running_daemon.js';
import { browserToEngineRows } from './rows/browser_to_engine.js';
import { comingAndGoingRows } from './rows/coming_and_going.js';
import { engineToBrowserRows } from './rows/engine_to_browser.js';
import { ChannelServerForDaemon } from './support/channel_server.js';
import { Site } from './support/site.js';

describe('browsers and engines at a channel server that has /rtc only', () => {
  let server: ChannelServerForDaemon;
  let site: Site;
  before(async function () {
    this.timeout(90_000);
    server = await ChannelServerForDaemon.start(['--no-single-connection']);
    site = await Site.open(() => startDaemon({ args: ['--channel-server-url', server.url] }));
  });
  after(async function () {
    this.timeout(30_000);
    await site.close();
    await server[Symbol.asyncDispose]();
  });

  const rig = { name: 'fallback', path: 'fallback' as const, site: () => site, leaveLimitMs: 2_000 };
  browserToEngineRows(rig);
  engineToBrowserRows(rig);
  comingAndGoingRows(rig);
});
