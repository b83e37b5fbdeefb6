import { createLogger } from '../../../common/logger.js';
import { transportsOn } from '../../../channelserver/forward/transports.js';
import { DEFAULT_LIMITS, DEFAULT_TIMING } from '../../../channelserver/limits.js';
import { ChannelServer } from '../../../channelserver/server.js';
import type { MediaTransport } from '../../../webrtc/media_transport.js';

/** The channel server in this process, so that its media connections can be watched or changed behind their encryption. */
export async function startLocalServer(
  keys: ReadonlyMap<string, string>,
  onTransport: (transport: MediaTransport) => void,
): Promise<ChannelServer> {
  const create = await transportsOn('127.0.0.1');
  const server = new ChannelServer({
    host: '127.0.0.1',
    port: 0,
    keys,
    limits: DEFAULT_LIMITS,
    timing: DEFAULT_TIMING,
    transports: () => {
      const transport = create();
      onTransport(transport);
      return transport;
    },
    singleConnection: true,
    logger: createLogger('fuzz', 'silent'),
  });
  await server.start();
  return server;
}
