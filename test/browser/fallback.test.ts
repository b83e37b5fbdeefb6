import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RunningServer } from '../integration/channelserver/running_server.js';
import { APP_ID, APP_KEY, startDaemon } from '../support/running_daemon.js';
import { browserToEngineRows } from './rows/browser_to_engine.js';
import { comingAndGoingRows } from './rows/coming_and_going.js';
import { engineToBrowserRows } from './rows/engine_to_browser.js';
import { Site } from './support/site.js';

describe('browsers and engines at a channel server that has /rtc only', () => {
  let server: RunningServer;
  let site: Site;
  let folder: string;
  before(async function () {
    this.timeout(90_000);
    folder = await mkdtemp(path.join(tmpdir(), 'alirtcd-fallback-'));
    const keys = path.join(folder, 'keys.yaml');
    await writeFile(keys, `${APP_ID}: ${APP_KEY}\n`, { mode: 0o600 });
    server = await RunningServer.start(['--no-single-connection', '--keys', keys]);
    site = await Site.open(() => startDaemon({ args: ['--channel-server-url', server.url] }));
  });
  after(async function () {
    this.timeout(30_000);
    await site.close();
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const rig = { name: 'fallback', path: 'fallback' as const, site: () => site, leaveLimitMs: 2_000 };
  browserToEngineRows(rig);
  engineToBrowserRows(rig);
  comingAndGoingRows(rig);
});
