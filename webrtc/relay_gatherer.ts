import {
  Candidate,
  StunOverTurnProtocol,
  TurnProtocol,
  UdpTransport,
  candidateFoundation,
  candidatePriority,
  type Connection,
  type Transport,
} from 'werift';
import { isIP } from 'node:net';
import type { RelayServer } from './ice_servers.js';
import { relayFailure } from './relay_failures.js';
import { RelayStream } from './relay_stream.js';
import { addProtocol, removeProtocol } from './werift_internals.js';

/** RFC 8656 section 3.2: what is asked for; refreshed by the library in time. */
const ALLOCATION_LIFETIME_S = 600;
/** A channel lives for ten minutes, but the permission that comes with it for five (RFC 8656 section 9): both are renewed before. */
const CHANNEL_REFRESH_S = 240;
/** As between the addresses of one host (RFC 8305 section 5), and with a round trip for the refused first request. */
const NEXT_SERVER_MS = 700;
const ALLOCATE_TIMEOUT_MS = 7000;

/**
 * Gets one relayed address (RFC 8656) from the first TURN server that gives one: the next is asked when one is slow or refuses. A relay that is not needed
 * costs the server as much as one that is, so there are no others.
 */
export class RelayGatherer {
  readonly #connection: Connection;
  readonly #abort = new AbortController();
  readonly #relays = new Set<StunOverTurnProtocol>();
  #failures: string[] = [];

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get hasRelay(): boolean {
    return this.#relays.size > 0;
  }

  /** Why there is none: of each server that was asked. */
  get failures(): readonly string[] {
    return this.hasRelay ? [] : this.#failures;
  }

  /** Resolves when there is a relay or none can be had; never rejects. */
  async gather(servers: readonly RelayServer[]): Promise<void> {
    this.#failures = [];
    const won = new AbortController();
    const signal = AbortSignal.any([won.signal, this.#abort.signal]);
    const attempts: Promise<void>[] = [];
    for (const server of servers) {
      if (signal.aborted) break;
      const attempt = this.#attempt(server, signal).then((relay) => {
        if (relay === undefined) return;
        if (signal.aborted) return void relay.close();
        won.abort();
        this.#add(relay);
      });
      attempts.push(attempt);
      await Promise.race([attempt, delay(NEXT_SERVER_MS, signal)]);
    }
    await Promise.all(attempts);
  }

  /** For a restart: their servers, or the way to them, may be gone. */
  async drop(): Promise<void> {
    const relays = [...this.#relays];
    this.#relays.clear();
    await Promise.all(relays.map((relay) => removeProtocol(this.#connection, relay).catch(() => undefined)));
  }

  /** The relays themselves close with the connection. */
  close(): void {
    this.#abort.abort();
  }

  #add(relay: StunOverTurnProtocol): void {
    const { relayedAddress, mappedAddress } = relay.turn;
    const [host, port] = relayedAddress;
    const candidate = new Candidate(
      candidateFoundation('relay', 'udp', host),
      1,
      'udp',
      candidatePriority('relay'),
      host,
      port,
      'relay',
      mappedAddress[0],
      mappedAddress[1],
      undefined,
      this.#connection.generation,
      this.#connection.localUsername,
    );
    this.#relays.add(relay);
    addProtocol(this.#connection, relay, candidate);
  }

  /** Undefined when the server gave none. */
  async #attempt(server: RelayServer, signal: AbortSignal): Promise<StunOverTurnProtocol | undefined> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ALLOCATE_TIMEOUT_MS)]);
    let transport: Transport | undefined;
    let turn: TurnProtocol | undefined;
    try {
      transport = await openTransport(server, limit);
      const options = { channelRefreshTime: CHANNEL_REFRESH_S };
      const { host, port, username, credential } = server;
      turn = new TurnProtocol([host, port], username, credential, ALLOCATION_LIFETIME_S, transport, options);
      await Promise.race([turn.connectionMade(), aborted(limit)]);
      return new StunOverTurnProtocol(turn);
    } catch (error) {
      if (!signal.aborted) this.#failures.push(relayFailure(server, error));
      for (const transaction of Object.values(turn?.transactions ?? {})) transaction.cancel();
      await (turn ?? transport)?.close().catch(() => undefined);
      return undefined;
    }
  }
}

async function openTransport(server: RelayServer, signal: AbortSignal): Promise<Transport> {
  const { host, port, transport } = server;
  if (transport === 'udp') return UdpTransport.init(isIP(host) === 6 ? 'udp6' : 'udp4');
  return RelayStream.open({ host, port, transport }, signal);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void =>
      reject(new Error('no answer that helps in time: are address, username and credential right?'));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
