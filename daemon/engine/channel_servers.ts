import { refusal } from '../refusals.js';

/** Where an engine joins. */
export interface ChannelServers {
  /** ws:// or wss:// of one cluster, in the order in which they are tried; empty: the core knows (the vendor's cloud). */
  urls: readonly string[];
  /** It is the daemon's own, which has no room service (docs/cluster.md). */
  embedded: boolean;
}

/** Looked up at every use: an embedded channel server may move. */
export type FindChannelServers = () => ChannelServers;

export interface ChannelServerChoiceOptions {
  /** Of engines that name none. */
  usual: FindChannelServers;
  /** What clients may name beyond the usual ones. */
  allowed: readonly string[];
}

/** Which channel server an engine gets: the daemon's, or one that its client names and the operator allows. */
export class ChannelServerChoice {
  readonly #options: ChannelServerChoiceOptions;

  constructor(options: ChannelServerChoiceOptions) {
    this.#options = options;
  }

  /** `wanted` is CreateAliRTCEngine's field; empty: the daemon's. Throws INVALID_ARGUMENT, CHANNEL_SERVER_NOT_ALLOWED. */
  of(wanted: string): FindChannelServers {
    const { usual, allowed } = this.#options;
    if (wanted === '') return usual;
    const same = (url: string): boolean => plain(url) === plain(wanted);
    const url = allowed.find(same);
    if (url !== undefined) return () => ({ urls: [url], embedded: false });
    const { urls, embedded } = usual();
    const first = urls.find(same);
    // The others of the cluster stay what is tried next.
    if (first !== undefined && !embedded)
      return () => ({ urls: [first, ...urls.filter((other) => other !== first)], embedded });
    if (first !== undefined) return usual;
    throw refusal(
      'invalid_argument',
      'CHANNEL_SERVER_NOT_ALLOWED',
      'channel_server_url: the operator has not allowed it',
      {
        field: 'channel_server_url',
        value: withoutSecrets(wanted).slice(0, 80),
        remedy: 'leave it empty, or have the operator add it with --channel-server-allowed',
      },
    );
  }
}

/** The same place has the same text. */
function plain(url: string): string {
  try {
    return new URL(url).href.replace(/\/$/, '');
  } catch {
    return url;
  }
}

/** A refused address is shown: not what may stand in it besides the place. */
function withoutSecrets(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return url;
  }
}
