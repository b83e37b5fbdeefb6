import { randomUUID } from 'node:crypto';
import { ClientConfigSetting, SignalTarget } from '@livekit/protocol';
import type { MediaTransportFactory, MediaTransportOptions } from '../../../webrtc/media_transport.js';
import { RoomConnectError, shownUrl } from '../connect_error.js';
import { connectionSignal, EarlySignal } from '../signal/connection_signal.js';
import { dualQuery, singleQuery } from '../signal/join_request.js';
import { SignalConnection } from '../signal/signal_connection.js';
import type { RoomOptions } from '../types.js';
import { Publisher } from './publisher.js';
import { Subscriber } from './subscriber.js';

export interface JoinServerOptions {
  url: string;
  token: string;
  connectTimeoutMs: number;
  transports: MediaTransportFactory;
  connections: NonNullable<RoomOptions['connections']>;
  relayOnly: boolean;
}

/** A stay's connections. Without a subscriber the publisher's carries both directions. */
export interface JoinedServer {
  signal: SignalConnection;
  publisher: Publisher;
  subscriber: Subscriber | undefined;
}

type Network = Pick<MediaTransportOptions, 'iceServers' | 'addresses' | 'relayOnly'>;

/** A server that lives says something at least every two seconds: checks, reports. */
const MEDIA = { connectTimeoutMs: 15_000, stallMs: 5000, tcp: true } as const;
/** m-lines to receive on in the first offer, of each kind: as the official SDKs do. */
const FIRST_RECEIVING = 3;
/** Servers of this process's joins that have no /rtc/v1. */
const dualServers = new Set<string>();

/** Resolves right after the JoinResponse. One connection where the server has /rtc/v1, else two. Rejects with a RoomConnectError. */
export async function joinServer(options: JoinServerOptions): Promise<JoinedServer> {
  const { url, connections } = options;
  const server = shownUrl(url);
  if (connections === 'dual' || (connections === 'auto' && dualServers.has(server))) return joinDual(options);
  const deadlineMs = performance.now() + options.connectTimeoutMs;
  try {
    return await joinSingle(options);
  } catch (error) {
    if (connections === 'single' || !(error instanceof RoomConnectError) || error.kind !== 'not_found') throw error;
  }
  const joined = await joinDual({ ...options, connectTimeoutMs: Math.max(1, deadlineMs - performance.now()) });
  // A room that is not found answers 404 on both paths, so only now it is certain.
  dualServers.add(server);
  return joined;
}

async function joinSingle(options: JoinServerOptions): Promise<JoinedServer> {
  const { url, token, connectTimeoutMs, transports, relayOnly } = options;
  await transports.prepare();
  const early = new EarlySignal();
  // Where we can be reached is known when the server has answered.
  const transport = await transports.create({ ...MEDIA, iceServers: [], addresses: 'any' });
  const publisher = new Publisher(transport, early, randomUUID());
  publisher.addReceiving(FIRST_RECEIVING, FIRST_RECEIVING);
  publisher.startEarly();
  try {
    const query = singleQuery(early.takeOffer());
    const signal = await SignalConnection.open({ url, path: '/rtc/v1', query, token, timeoutMs: connectTimeoutMs });
    transport.configure(networkOf(signal, relayOnly));
    early.connect(connectionSignal(SignalTarget.PUBLISHER, (message) => signal.send(message)));
    return { signal, publisher, subscriber: undefined };
  } catch (error) {
    await publisher.close();
    throw error;
  }
}

async function joinDual(options: JoinServerOptions): Promise<JoinedServer> {
  const { url, token, connectTimeoutMs, transports, relayOnly } = options;
  const [signal] = await Promise.all([
    SignalConnection.open({ url, path: '/rtc', query: dualQuery(), token, timeoutMs: connectTimeoutMs }),
    transports.prepare(),
  ]);
  const transport = { ...MEDIA, ...networkOf(signal, relayOnly) };
  const [sending, receiving] = await Promise.all([transports.create(transport), transports.create(transport)]);
  const of = (target: SignalTarget) => connectionSignal(target, (message) => signal.send(message));
  return {
    signal,
    publisher: new Publisher(sending, of(SignalTarget.PUBLISHER), signal.join.participant?.sid ?? 'alirtc'),
    subscriber: new Subscriber(receiving, of(SignalTarget.SUBSCRIBER)),
  };
}

export function addressesFor({ isLoopback }: SignalConnection): MediaTransportOptions['addresses'] {
  return isLoopback ? 'any-and-loopback' : 'any';
}

/** What the JoinResponse says of the network; a server that insists on relays is obeyed. */
function networkOf(signal: SignalConnection, relayOnly: boolean): Network {
  const { iceServers, clientConfiguration } = signal.join;
  const isForced = clientConfiguration?.forceRelay === ClientConfigSetting.ENABLED;
  return { iceServers, addresses: addressesFor(signal), relayOnly: relayOnly || isForced };
}
