import { LiveKitServer } from '../../test/cluster/support/livekit_server.js';

/** The real livekit-server, started, with the keys of startDaemon(); undefined, with the reason printed, where it cannot be had. */
export async function startLiveKitServer(what: string): Promise<LiveKitServer | undefined> {
  const server = new LiveKitServer();
  try {
    await server.start();
    return server;
  } catch (error) {
    console.log(
      `\n## ${what}: skipped, livekit-server did not start: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
}
