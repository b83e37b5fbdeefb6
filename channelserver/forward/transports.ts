import type { Logger } from '../../common/logger.js';
import type { MediaTransport, TransportState } from '../../webrtc/media_transport.js';
import { WeriftTransport } from '../../webrtc/werift_transport.js';
import { isLoopbackHost } from './loopback.js';

/** One transport for each connection of a participant. */
export type TransportFactory = () => MediaTransport;

/** host: the address that the server listens on; media uses the same one. */
export async function transportsOn(host: string): Promise<TransportFactory> {
  await WeriftTransport.prepare();
  const isWildcard = host === '0.0.0.0' || host === '::';
  const addresses = isWildcard ? 'any-and-loopback' : { host: isLoopbackHost(host) ? '127.0.0.1' : host };
  // Whether a client connects in time is the participant's matter.
  return () => WeriftTransport.createPrepared({ iceServers: [], addresses });
}

/** A client that ends DTLS has gone, as one whose connection failed. */
export function tellState(
  transport: MediaTransport,
  events: { state(state: TransportState): void },
  logger: Logger,
): void {
  let isOver = false;
  const fail = (reason: string): void => {
    if (isOver || transport.state === 'closed') return;
    isOver = true;
    logger.info({ reason }, 'a media connection ended');
    events.state('failed');
  };
  transport.on('connected', () => events.state('connected'));
  transport.on('failed', fail);
  transport.on('peer_closed', () => fail('the client closed it'));
}
