import { IceCandidate, parseIceServers, type RTCIceGatherer } from 'werift';
import type { IceServer, MediaTransportOptions } from './media_transport.js';

type GathererOptions = NonNullable<ConstructorParameters<typeof RTCIceGatherer>[0]>;

export function gathererOptions({ addresses, iceServers }: MediaTransportOptions): GathererOptions {
  if (addresses === 'any') return { ...parseIceServers(iceServers.map(toWeriftServer)), useIpv6: true };
  if (addresses === 'any-and-loopback') return { useIpv6: false, additionalHostAddresses: ['127.0.0.1'] };
  const { host } = addresses;
  return {
    useIpv4: false,
    useIpv6: false,
    additionalHostAddresses: [host],
    interfaceAddresses: { udp4: host },
  };
}

function toWeriftServer({ urls, username, credential }: IceServer): {
  urls: string[];
  username?: string;
  credential?: string;
} {
  return username === '' ? { urls } : { urls, username, credential };
}

/** A candidate line of a trickle message or a session description; undefined when it cannot be used: only UDP can. */
export function parseCandidate(text: string): IceCandidate | undefined {
  const line = text.startsWith('candidate:') ? text : `candidate:${text}`;
  try {
    const candidate = IceCandidate.fromJSON({ candidate: line, sdpMid: '0', sdpMLineIndex: 0 });
    if (candidate?.protocol.toLowerCase() !== 'udp') return undefined;
    // mDNS names of browsers cannot be resolved here; on one machine the address is this one, elsewhere the peer's own checks reveal it.
    if (candidate.ip.endsWith('.local')) candidate.ip = '127.0.0.1';
    return candidate;
  } catch {
    return undefined;
  }
}
