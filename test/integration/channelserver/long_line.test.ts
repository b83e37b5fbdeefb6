import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { RtcPeer } from '../../support/rtc_peer/index.js';
import { TcpWire } from '../../support/tcp_wire.js';
import { PATHS, RunningServer, tokenFor } from './running_server.js';

/** Each way, of the signalling. */
const LINE_MS = 300;
/** @livekit/rtc-node 1.1.0 puts changes of 150 ms into one offer, unless the server lets it publish fast. */
const SECOND_TRACK_MS = 350;

for (const { path, args } of PATHS)
  describe(`An official participant on a long line to ${path}`, function () {
    this.timeout(60_000);

    it('publishes a second track while its offer of the first is on its way, and hears others after it', async () => {
      await using server = await RunningServer.start(args);
      await using wire = await TcpWire.open(Number(new URL(server.url).port), '127.0.0.1', LINE_MS);
      await using near = await RtcPeer.start();
      await using far = await RtcPeer.start();
      await near.call('connect', { url: server.url, token: await tokenFor('line', 'near') });
      await far.call('connect', { url: wire.url, token: await tokenFor('line', 'far') });
      const sound = far.call('publish_audio', { frequency: 440 });
      // What the time is about: the second change comes between the first offer and its answer.
      await sleep(SECOND_TRACK_MS);
      const picture = far.call('publish_video', { width: 320, height: 180, framesPerSecond: 15, codec: 'vp8' });
      await Promise.all([sound, picture]);
      for (const kind of ['audio', 'video'])
        await near.waitFor((event) => event.event === 'track_subscribed' && event.kind === kind);
      await near.call('publish_audio', { frequency: 1000 });
      await far.waitFor((event) => event.event === 'track_subscribed' && event.identity === 'near');
      await eventually(async () => {
        const { participants } = await near.call('report', {});
        return (participants['far']?.video[0]?.readable ?? 0) > 0 ? undefined : 'no pictures of the second track';
      });
    });
  });
