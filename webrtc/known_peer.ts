import { StunProtocol, type Connection, type Protocol } from 'werift';
import { isAuthenticRequest } from './stun_check.js';
import { internalsOf } from './werift_internals.js';

/** Addresses that authentic checks came from: every network that the peer has been in. */
const MAX_ADDRESSES = 64;

type Address = readonly [host: string, port: number];

/** What of the library's agent is looked at. */
interface PeerInternals {
  checkList: readonly { remoteAddr: Address }[];
  localUsername: string;
  localPassword: string;
  /** Passwords of fragments before a restart. */
  userHistory: Readonly<Record<string, string>>;
}

interface UdpInternals {
  datagramReceived(datagram: Buffer, address: Address): void;
}

/**
 * Keeps strangers out of an ICE agent. The library takes checks without looking at their MESSAGE-INTEGRITY, so that one forged datagram would move the path, and hands on
 * data of any address, so that one forged DTLS alert would end the connection. From here on checks are authentic, and data comes from where authentic checks came from or
 * where the peer's description says that it is. To be called before it gathers.
 */
export function keepStrangersOut(connection: Connection): void {
  const internals = internalsOf(connection);
  const inside = connection as unknown as PeerInternals;
  const known = new Set<string>();
  const passwordOf = (fragment: string): string | undefined =>
    fragment === inside.localUsername ? inside.localPassword : inside.userHistory[fragment];
  const isKnown = ([host, port]: Address): boolean =>
    known.has(`${host} ${port}`) ||
    inside.checkList.some(({ remoteAddr }) => remoteAddr[0] === host && remoteAddr[1] === port);
  const ensureProtocol = internals.ensureProtocol.bind(connection);
  internals.ensureProtocol = (protocol) => {
    ensureProtocol(protocol);
    checkRequests(protocol, (message, [host, port]) => {
      if (!isAuthenticRequest(message, passwordOf)) return false;
      if (known.size < MAX_ADDRESSES) known.add(`${host} ${port}`);
      return true;
    });
    if (protocol instanceof StunProtocol) checkData(protocol, isKnown);
  };
}

function checkRequests(protocol: Protocol, isWelcome: (message: Buffer, address: Address) => boolean): void {
  const event = protocol.onRequestReceived;
  const execute = event.execute.bind(event);
  event.execute = (message, address, datagram) => {
    if (isWelcome(datagram, address)) execute(message, address, datagram);
  };
}

/** RFC 7983: STUN begins with 0 to 3. */
function checkData(protocol: StunProtocol, isKnown: (address: Address) => boolean): void {
  const inside = protocol as unknown as UdpInternals;
  if (typeof inside.datagramReceived !== 'function')
    throw new Error('the WebRTC library has no datagramReceived() any more');
  const receive = inside.datagramReceived.bind(protocol);
  inside.datagramReceived = (datagram, address) => {
    if ((datagram[0] ?? 0) <= 3 || isKnown(address)) receive(datagram, address);
  };
}
