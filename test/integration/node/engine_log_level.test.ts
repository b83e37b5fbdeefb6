import assert from 'node:assert/strict';
import { ChannelScene } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';

describe('the log level of one engine', function () {
  this.timeout(60_000);

  it('is raised at run time, for the daemon and for the core, and for that engine alone', async () => {
    await using scene = await ChannelScene.open();
    const [loud, quiet] = [await scene.engine(), await scene.engine()];
    const debugLines = (engineId: string): string[] =>
      scene.daemon
        .log()
        .filter((line) => line.includes('"level":"debug"') && line.includes(`"engineId":"${engineId}"`))
        .map((line) => String((JSON.parse(line) as { msg: unknown }).msg));
    await scene.client.setEngineLogLevel(loud.engineId, 'debug');
    await scene.join(loud, 'loud');
    await scene.join(quiet, 'quiet');
    // "engine state" is the daemon's, "joined" that of the core.
    await eventually(() => {
      const lines = debugLines(loud.engineId);
      return lines.includes('engine state') && lines.includes('joined') ? undefined : lines.join();
    });
    assert.deepEqual(debugLines(quiet.engineId), []);
    await scene.client.setEngineLogLevel(loud.engineId, '');
    const before = debugLines(loud.engineId).length;
    await loud.leaveChannel();
    await scene.join(loud, 'loud');
    assert.equal(debugLines(loud.engineId).length, before);
  });
});
