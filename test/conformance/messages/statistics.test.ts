import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { sideBySide } from '../support/row.js';
import { lossRow } from './loss_row.js';
import { statisticsRow } from './statistics_row.js';

describe('messages: statistics', () => {
  let daemon: RunningDaemon;
  before(async function () {
    this.timeout(20_000);
    daemon = await startDaemon();
  });
  after(async function () {
    this.timeout(20_000);
    await daemon.stop();
  });

  sideBySide(() => {
    statisticsRow(() => daemon);
    lossRow();
  });
});
