import assert from 'node:assert/strict';
import { once } from 'node:events';
import { SubscribeMode } from '../../../client/index.js';
import type { AlirtcEvent } from '../../../client/index.js';
import { ChannelScene, LiveFeed } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { readPictureNumber } from '../../support/media/numbered_picture.js';
import { startDaemon } from '../../support/running_daemon.js';

const FEED = { width: 320, height: 240, framesPerSecond: 15, frequency: 600 };
const DRAIN_SECONDS = 6;

describe('draining a node with live media', function () {
  this.timeout(120_000);

  it('media flows on until the deadline; then engines leave in order, and the daemon ends with 0', async () => {
    await using daemon = await startDaemon({ args: ['--drain-seconds', String(DRAIN_SECONDS)] });
    // What the scene would close is gone in the end.
    const scene = await ChannelScene.open(daemon);
    const sender = await scene.engine();
    const feed = await LiveFeed.start(sender, FEED);
    await scene.join(sender, 'alice');
    const receiver = await scene.engine();
    await scene.join(receiver, 'bob', { subscribeMode: SubscribeMode.AUTOMATICALLY });
    const events: (AlirtcEvent & { seenMs: number })[] = [];
    const listening = (async () => {
      for await (const event of receiver.events()) events.push({ ...event, seenMs: performance.now() });
    })();
    const pictures: { atMs: number; number: number }[] = [];
    const reading = (async () => {
      for await (const { data, width, height, release } of receiver.pictures({ uids: ['alice'] })) {
        const number = readPictureNumber(data, width, height);
        if (number !== undefined) pictures.push({ atMs: performance.now(), number });
        release();
      }
    })().catch(() => undefined);
    await eventually(() => (pictures.length > 10 ? undefined : `${pictures.length} pictures`), 30_000);

    const signalledMs = performance.now();
    const exited = once(daemon.child, 'exit');
    daemon.child.kill('SIGTERM');
    const [code] = (await exited) as [number | null];
    const endedMs = performance.now();
    await Promise.all([listening, reading]).catch(() => undefined);
    await feed.stop().catch(() => undefined);
    scene.client.close();

    assert.equal(code, 0);
    const deadlineMs = signalledMs + DRAIN_SECONDS * 1000;
    const during = pictures.filter(({ atMs }) => atMs > signalledMs + 500 && atMs < deadlineMs - 500);
    // Fifteen a second; a machine that others use may make half of them.
    assert.ok(
      during.length > (FEED.framesPerSecond * (DRAIN_SECONDS - 1)) / 2,
      `${during.length} pictures while draining`,
    );
    assert.ok(during.every(({ number }, index) => index === 0 || number > (during[index - 1]?.number ?? 0)));
    const goingAway = events.find(({ type }) => type === 'goingAway');
    assert.ok(goingAway !== undefined && goingAway.seenMs < signalledMs + 2_000, 'no word of the drain');
    assert.ok(endedMs > deadlineMs - 200, 'it ended before the deadline');
    const types = events.map(({ type }) => type);
    assert.ok(types.includes('onLeaveChannelResult'), types.join());
    assert.equal(types.at(-1), 'ended');
  });
});
