import { startDaemon } from '../support/running_daemon.js';
import { consoleAccessRows } from './rows/console_access.js';
import { consoleChannelRows } from './rows/console_channel.js';
import { consoleEngineRows } from './rows/console_engine.js';
import { consoleUseRows } from './rows/console_use.js';
import { Site } from './support/site.js';

const FLAGS = ['--http-listen', '127.0.0.1:0', '--console', 'control', '--console-tokens', 'on'];

describe('the console in a browser', () => {
  let site: Site;
  before(async function () {
    this.timeout(90_000);
    site = await Site.open(() => startDaemon({ args: FLAGS }));
  });
  after(async function () {
    this.timeout(30_000);
    await site.close();
  });

  consoleEngineRows(() => site);
  consoleChannelRows(() => site);
  consoleUseRows(() => site);
  consoleAccessRows(() => site);
});
