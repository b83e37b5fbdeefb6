import { IceCandidate, type RTCIceGatherer } from 'werift';
import type { ParsedIceServers } from './ice_servers.js';
import type { MediaTransportOptions } from './media_transport.js';

type GathererOptions = NonNullable<ConstructorParameters<typeof RTCIceGatherer>[0]>;

/** Of the candidates that the library gathers by itself: UDP on our addresses, and how a STUN server sees them. */
export function gathererOptions(
  { addresses, relayOnly }: MediaTransportOptions,
  stun: ParsedIceServers['stun'],
): GathererOptions {
  if (relayOnly === true) return { useIpv4: false, useIpv6: false };
  if (addresses === 'any')
    return { useIpv6: true, ...(stun === undefined ? {} : { stunServer: [stun.host, stun.port] }) };
  if (addresses === 'any-and-loopback') return { useIpv6: false, additionalHostAddresses: ['127.0.0.1'] };
  const { host } = addresses;
  return {
    useIpv4: false,
    useIpv6: false,
    additionalHostAddresses: [host],
    interfaceAddresses: { udp4: host },
  };
}

/** A candidate line of a trickle message or a session description; undefined when it cannot be used: UDP can, and TCP that waits to be dialled. */
export function parseCandidate(text: string, tcp: boolean): IceCandidate | undefined {
  const line = text.startsWith('candidate:') ? text : `candidate:${text}`;
  try {
    const candidate = IceCandidate.fromJSON({ candidate: line, sdpMid: '0', sdpMLineIndex: 0 });
    const protocol = candidate?.protocol.toLowerCase();
    const isUsable = protocol === 'udp' || (tcp && protocol === 'tcp' && candidate?.tcpType === 'passive');
    if (candidate === undefined || !isUsable) return undefined;
    // mDNS names of browsers cannot be resolved here; on one machine the address is this one, elsewhere the peer's own checks reveal it.
    if (candidate.ip.endsWith('.local')) candidate.ip = '127.0.0.1';
    return candidate;
  } catch {
    return undefined;
  }
}
