import {
  Connection,
  StunProtocol,
  type Candidate,
  type CandidatePair,
  type Message,
  type Protocol,
  type RTCIceTransport,
} from 'werift';

/**
 * What the library's ICE agent has and its types hide. We add transports of our own to it (relays, TCP) the way it adds its own, and send checks outside of
 * its schedule.
 */
export interface IceInternals {
  protocols: Protocol[];
  /** Listens to the transport's datagrams. */
  ensureProtocol(protocol: Protocol): void;
  /** Pairs it with the remote candidates that have come so far; later ones are paired by the library. */
  pairLocalProtocol(protocol: Protocol): void;
  appendLocalCandidate(candidate: Candidate): void;
  buildRequest(options: {
    nominate: boolean;
    remoteUsername: string;
    localUsername: string;
    iceControlling: boolean;
    localCandidate?: Candidate;
  }): Message;
}

/** Where the datagrams of a UDP socket arrive. */
interface StunInternals {
  datagramReceived(datagram: Buffer, address: readonly [string, number]): void;
}

/** The agent behind a transport, which the types of the transport show in part only. */
export function connectionOf(transport: RTCIceTransport): Connection {
  const connection: unknown = transport.connection;
  if (!(connection instanceof Connection)) throw new Error('the WebRTC library has another ICE agent');
  return connection;
}

const METHODS = ['ensureProtocol', 'pairLocalProtocol', 'appendLocalCandidate', 'buildRequest'] as const;

/** Throws when a newer version of the library has other insides. */
export function internalsOf(connection: Connection): IceInternals {
  const internals = connection as unknown as IceInternals;
  for (const name of METHODS)
    if (typeof internals[name] !== 'function') throw new Error(`the WebRTC library has no ${name}() any more`);
  return internals;
}

/** RFC 7983: the first octet of RTP and RTCP. */
const isMedia = (datagram: Buffer): boolean => (datagram[0] ?? 0) >= 128 && (datagram[0] ?? 0) <= 191;

/**
 * Media of the agent's own UDP sockets go to `take` directly. The library would try to read each packet as STUN and hand it on through two events that make promises: a tenth of
 * what receiving costs. To be called before it gathers.
 */
export function shortcutMedia(connection: Connection, take: (datagram: Buffer) => void): void {
  const internals = internalsOf(connection);
  const ensureProtocol = internals.ensureProtocol.bind(connection);
  internals.ensureProtocol = (protocol) => {
    ensureProtocol(protocol);
    if (!(protocol instanceof StunProtocol)) return;
    const inside = protocol as unknown as StunInternals;
    if (typeof inside.datagramReceived !== 'function')
      throw new Error('the WebRTC library has no datagramReceived() any more');
    const receive = inside.datagramReceived.bind(protocol);
    inside.datagramReceived = (datagram, address) => {
      if (isMedia(datagram)) take(datagram);
      else receive(datagram, address);
    };
  };
}

/** Makes a transport a part of the agent: it is announced, and checked against every remote candidate. */
export function addProtocol(connection: Connection, protocol: Protocol, candidate: Candidate): void {
  const internals = internalsOf(connection);
  internals.ensureProtocol(protocol);
  protocol.localCandidate = candidate;
  internals.protocols.push(protocol);
  internals.pairLocalProtocol(protocol);
  internals.appendLocalCandidate(candidate);
}

/** Takes it out again and closes it. */
export async function removeProtocol(connection: Connection, protocol: Protocol): Promise<void> {
  const internals = internalsOf(connection);
  internals.protocols = internals.protocols.filter((one) => one !== protocol);
  await protocol.close();
}

/** Sends one check on a pair, apart from the library's schedule; resolves when it was answered within the time, and rejects when not. */
export async function checkPair(connection: Connection, pair: CandidatePair, timeoutMs: number): Promise<void> {
  const { remoteUsername, remotePassword, localUsername, iceControlling } = connection;
  const request = internalsOf(connection).buildRequest({
    nominate: false,
    remoteUsername,
    localUsername,
    iceControlling,
    localCandidate: pair.localCandidate,
  });
  const options = { retransmissions: 0, responseTimeout: timeoutMs };
  await pair.protocol.request(request, pair.remoteAddr, Buffer.from(remotePassword, 'utf8'), options);
}
