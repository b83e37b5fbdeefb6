import { SubscribeMode } from '../../client/index.js';
import type { AlirtcClient } from '../../client/index.js';
import type { DaemonReady } from '../../test/support/running_daemon.js';

const WATCHER = 'watcher';

/** Until Ctrl-C: an engine receives everybody of the channel, so that there is something to look at in the console. */
export async function keepRunning(client: AlirtcClient, channel: string, ready: DaemonReady): Promise<void> {
  const engine = await client.createEngine();
  const { token } = await client.generateToken({ channel, userId: WATCHER });
  const config = { subscribeMode: SubscribeMode.AUTOMATICALLY };
  await engine.joinChannel({ token, channelId: channel, userId: WATCHER, config });
  const pictures = engine.pictures();
  const watched = (async () => {
    let count = 0;
    for await (const _ of pictures) count++;
    return count;
  })();
  console.log(`  console          ${ready.console ?? 'off'}`);
  console.log(`  gRPC             ${ready.listen.join(', ')}`);
  console.log(`  LiveKit clients  ${ready.channelServerUrl}, channel "${channel}"`);
  console.log('  Ctrl-C ends it');
  await new Promise((resolve) => process.once('SIGINT', resolve));
  // Ctrl-C in a terminal reaches the daemon as well, which then ends the engine itself.
  await engine.release().catch(() => undefined);
  console.log(`  the watcher received ${await watched.catch(() => 0)} pictures`);
}
