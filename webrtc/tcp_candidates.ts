import { isIP } from 'node:net';
import { Candidate, TcpActiveProtocol, candidateFoundation, candidatePriority, type Connection } from 'werift';
import { addProtocol } from './werift_internals.js';

type Address = Parameters<TcpActiveProtocol['sendData']>[1];

/** A network that takes nothing any more: media that is late is worth nothing, so it is dropped as UDP would. */
const MAX_UNSENT = 400;

/** The library's active TCP candidate (RFC 6544), which frames by RFC 4571; it does not collect what the network does not take. */
class ActiveTcp extends TcpActiveProtocol {
  #unsent = 0;

  override async sendData(data: Buffer, address: Address): Promise<void> {
    if (this.#unsent >= MAX_UNSENT) return;
    this.#unsent += 1;
    try {
      await super.sendData(data, address);
    } finally {
      this.#unsent -= 1;
    }
  }
}

/**
 * One active TCP candidate for each family of addresses: it dials the passive candidates of the peer, once each, from the address that the system chooses.
 * More would be closed when one is nominated, and pion, LiveKit's library, hears nothing any more on a candidate of which one connection has been closed.
 * To be added when UDP has had its chance: a TCP path that was nominated is not left again, and it delays everything behind a lost packet.
 */
export class TcpCandidates {
  readonly #connection: Connection;
  readonly #added = new Map<number, ActiveTcp>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** `addresses` are ours. */
  add(addresses: readonly string[]): void {
    const { generation, localUsername } = this.#connection;
    for (const address of addresses) {
      const family = isIP(address);
      if (this.#added.has(family)) continue;
      const protocol = new ActiveTcp();
      this.#added.set(family, protocol);
      const kind = { transport: 'tcp', tcptype: 'active' };
      const candidate = new Candidate(
        candidateFoundation('host', 'tcp', address),
        1,
        'tcp',
        candidatePriority('host', kind),
        address,
        // RFC 6544 section 4.5: the discard port, as nobody can connect to it.
        9,
        'host',
        undefined,
        undefined,
        'active',
        generation,
        localUsername,
      );
      addProtocol(this.#connection, protocol, candidate);
    }
  }

  /** For a restart: a server tells its connections apart by the first check on them, so each generation needs its own. */
  async hangUp(): Promise<void> {
    await Promise.all([...this.#added.values()].map((protocol) => protocol.pruneForSelection()));
  }
}
