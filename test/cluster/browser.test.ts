import { browserToEngineRows } from '../browser/rows/browser_to_engine.js';
import { codecRows } from '../browser/rows/codecs.js';
import { comingAndGoingRows } from '../browser/rows/coming_and_going.js';
import { engineToBrowserRows } from '../browser/rows/engine_to_browser.js';
import { messageAndMuteRows } from '../browser/rows/messages_and_mute.js';
import { screenShareRows } from '../browser/rows/screen_share.js';
import type { SignalPath } from '../browser/support/browser_scene.js';
import { Site } from '../browser/support/site.js';
import { startDaemon } from '../support/running_daemon.js';
import { clusterOfFile } from './support/cluster_of_file.js';

const PATHS: SignalPath[] = ['/rtc/v1', '/rtc'];

describe('browsers on node 2 and engines on both nodes of a LiveKit cluster', () => {
  const cluster = clusterOfFile();
  let site: Site;
  before(async function () {
    this.timeout(90_000);
    process.env['ALIRTC_TEST_CLUSTER'] = cluster().urls.join(',');
    site = await Site.open(startDaemon, cluster().node2.url);
  });
  after(async function () {
    this.timeout(30_000);
    delete process.env['ALIRTC_TEST_CLUSTER'];
    await site.close();
  });

  for (const path of PATHS)
    describe(`by ${path}`, () => {
      const rig = { name: `cluster ${path}`, path, site: () => site, leaveLimitMs: 5_000 };
      browserToEngineRows(rig);
      engineToBrowserRows(rig);
      screenShareRows(rig);
      messageAndMuteRows(rig);
      comingAndGoingRows(rig);
      codecRows(rig, 'livekit-server');
    });
});
