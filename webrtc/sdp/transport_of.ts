import { SCTP, type RemoteParameters } from '../media_transport.js';
import type { Sdp, Setup } from './description.js';

/** What a description says of the one transport of its bundle. */
export interface DescribedPeer extends Pick<
  RemoteParameters,
  'usernameFragment' | 'password' | 'lite' | 'fingerprints' | 'sctp'
> {
  setup: Setup;
  /** Values of a=candidate lines, without "candidate:". */
  candidates: readonly string[];
}

/** Everything is bundled: the first m-line that has parameters speaks for all. Throws a text for people when none has. */
export function transportOf({ media, lite }: Sdp): DescribedPeer {
  if (media.length === 0) throw new Error('it has no media');
  const described = media.filter(({ usernameFragment, password }) => usernameFragment !== '' && password !== '');
  const first = described.find(({ port }) => port !== 0) ?? described[0];
  if (first === undefined) throw new Error('it has no ICE credentials');
  if (first.fingerprints.length === 0) throw new Error('it has no DTLS fingerprint');
  const { usernameFragment, password, fingerprints, setup = 'actpass' } = first;
  const data = media.find(({ kind, port }) => kind === 'application' && port !== 0);
  return {
    usernameFragment,
    password,
    lite,
    fingerprints,
    setup,
    candidates: [...new Set(media.flatMap(({ candidates }) => candidates))],
    ...(data === undefined
      ? {}
      : {
          sctp: { port: data.sctpPort ?? SCTP.port, maxMessageBytes: data.maxMessageBytes ?? SCTP.maxMessageBytes },
        }),
  };
}
