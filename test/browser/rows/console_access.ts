import assert from 'node:assert/strict';
import { AlirtcClient } from '../../../client/index.js';
import { startDaemon } from '../../support/running_daemon.js';
import { ConsoleView } from '../support/console_view.js';
import type { Site } from '../support/site.js';

const SOON = { timeout: 30_000 };

/** What the operator has not allowed; and a daemon that goes and comes back. */
export function consoleAccessRows(site: () => Site): void {
  it('is read-only and gives no tokens unless the operator says otherwise', async function () {
    this.timeout(60_000);
    await using daemon = await startDaemon({ args: ['--http-listen', '127.0.0.1:0'] });
    const client = await AlirtcClient.connect(daemon.address);
    try {
      const engine = await client.createEngine();
      await using view = await ConsoleView.open(site(), `${daemon.ready.console}#/engines/${engine.engineId}`);
      await view.page.getByRole('log').getByText('EngineStateChanged').first().waitFor(SOON);
      assert.equal(await view.page.getByRole('button', { name: 'Release' }).count(), 0);
      await view.page.getByRole('link', { name: 'Join a channel' }).click();
      await view.page.getByText('Joining from this page is off').waitFor(SOON);
      assert.equal(await view.page.getByRole('button', { name: 'Join', exact: true }).count(), 0);
      await view.screenshot('joining_is_off');
    } finally {
      client.close();
    }
  });

  it('says that the daemon is gone, and goes on by itself when it is back', async function () {
    this.timeout(90_000);
    await using first = await startDaemon({ args: ['--http-listen', '127.0.0.1:0'] });
    const address = new URL(first.ready.console ?? '').host;
    await using view = await ConsoleView.open(site(), first.ready.console ?? '');
    await view.page.getByText('No engines', { exact: true }).waitFor(SOON);
    await view.screenshot('overview_empty');
    await first.stop();
    await view.page.getByRole('alert').filter({ hasText: 'It said: the daemon stops' }).waitFor(SOON);
    await view.page.getByRole('status').filter({ hasText: 'Reconnecting' }).waitFor(SOON);
    await view.screenshot('daemon_gone');

    await using second = await startDaemon({ args: ['--http-listen', address] });
    await view.page.getByRole('status').filter({ hasText: 'Live' }).waitFor(SOON);
    assert.equal(await view.page.getByRole('alert').count(), 0);
    await view.page.getByText(`process ${second.ready.pid}`).waitFor(SOON);
  });
}
