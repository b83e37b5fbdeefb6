import { RTCIceGatherer, RTCIceParameters, RTCIceTransport, candidateToSdp, type Connection } from 'werift';
import { parseIceServers, type RelayServer } from './ice_servers.js';
import { keepStrangersOut } from './known_peer.js';
import type { MediaTransportOptions, RemoteParameters } from './media_transport.js';
import { PathMonitor } from './path_monitor.js';
import { RelayGatherer } from './relay_gatherer.js';
import { TcpCandidates } from './tcp_candidates.js';
import { connectionOf, shortcutMedia } from './werift_internals.js';
import { gathererOptions, parseCandidate } from './werift_ice.js';

export interface IceAgentEvents {
  candidate(text: string): void;
  datagram(datagram: Buffer): void;
  /** A path is there: the first one, and one more after each restart. */
  connected(): void;
  failed(reason: string): void;
  stalled(): void;
  recovered(): void;
}

/** Candidates that come before the description they belong to. */
const MAX_EARLY_CANDIDATES = 64;
/** Of one description, and those that trickle in behind it: each makes a pair with each of ours, and pairs are sorted and checked. */
const MAX_REMOTE_CANDIDATES = 128;
/** How long UDP and relays are tried before TCP is dialled. */
const TCP_AFTER_MS = 800;

/** The ICE half of a transport: werift's agent, with relays and TCP beside its own candidates, restarts, and a watch on the path. */
export class IceAgent {
  readonly transport: RTCIceTransport;
  readonly #connection: Connection;
  #options: MediaTransportOptions;
  readonly #events: IceAgentEvents;
  #relayServers: readonly RelayServer[] = [];
  readonly #relays: RelayGatherer;
  readonly #tcp: TcpCandidates;
  readonly #monitor: PathMonitor | undefined;
  #gathering: Promise<void> | undefined;
  #remoteFragment: string | undefined;
  #earlyCandidates: string[] = [];
  #remoteCandidates = 0;
  #isStarting = false;
  #hasStarted = false;
  #isClosed = false;
  #tcpTimer: NodeJS.Timeout | undefined;

  constructor(options: MediaTransportOptions, events: IceAgentEvents) {
    this.#options = options;
    this.#events = events;
    this.transport = new RTCIceTransport(new RTCIceGatherer());
    this.#connection = connectionOf(this.transport);
    keepStrangersOut(this.#connection);
    this.configure(options);
    this.#relays = new RelayGatherer(this.#connection);
    this.#tcp = new TcpCandidates(this.#connection);
    const { stallMs } = options;
    if (stallMs !== undefined)
      this.#monitor = new PathMonitor({
        connection: this.#connection,
        stallMs,
        onStalled: () => this.#events.stalled(),
        onRecovered: () => this.#events.recovered(),
      });
    this.#listen();
  }

  /** Before gather(): what is known now of servers and addresses. */
  configure(network: Pick<MediaTransportOptions, 'iceServers' | 'addresses' | 'relayOnly'>): void {
    this.#options = { ...this.#options, ...network };
    const servers = parseIceServers(this.#options.iceServers);
    this.#relayServers = servers.relays;
    const iceOptions = gathererOptions(this.#options, servers.stun);
    this.#connection.setIceServers(iceOptions);
    this.#connection.options = { ...this.#connection.options, ...iceOptions };
    // Without this the library would ask a public STUN server when none is named.
    const server = this.#connection as { stunServer?: unknown };
    if (servers.stun === undefined || this.#options.addresses !== 'any') delete server.stunServer;
  }

  #listen(): void {
    const connection = this.#connection;
    this.transport.onIceCandidate.subscribe((candidate) => {
      const text = candidate?.toJSON().candidate;
      if (text !== undefined && text !== '') this.#events.candidate(text);
    });
    const receive = (datagram: Buffer): void => {
      this.#monitor?.heard();
      this.#events.datagram(datagram);
    };
    shortcutMedia(connection, receive);
    connection.onData.subscribe(receive);
    connection.stateChanged.subscribe((state) => {
      if (state !== 'failed') return;
      // Consent is gone, or the TCP connection: a restart may bring another path.
      if (this.#monitor !== undefined) this.#monitor.stall();
      else this.#events.failed('the ICE connection failed');
    });
  }

  get local(): { usernameFragment: string; password: string } {
    const { usernameFragment, password } = this.transport.localParameters;
    return { usernameFragment, password };
  }

  get remoteFragment(): string | undefined {
    return this.#remoteFragment;
  }

  /** Why there is no relay, of each TURN server that was asked. */
  get relayFailures(): readonly string[] {
    return this.#relays.failures;
  }

  get localCandidates(): string[] {
    return this.transport.localCandidates.map((candidate) => candidateToSdp(candidate));
  }

  get roundTripMs(): number {
    return (this.#connection.nominated?.rtt ?? 0) * 1000;
  }

  /** Nothing once closed: nobody would close these sockets. */
  gather(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#gathering ??= this.#gather();
    return this.#gathering;
  }

  async #gather(): Promise<void> {
    const relays = this.#relays.hasRelay ? Promise.resolve() : this.#relays.gather(this.#relayServers);
    await Promise.all([this.transport.gather(), relays]);
  }

  connect({ usernameFragment, password, lite, weOffered }: RemoteParameters): void {
    if (this.#remoteFragment !== undefined) return;
    this.#remoteFragment = usernameFragment;
    this.#connection.iceControlling = weOffered || lite;
    this.transport.setRemoteParams(new RTCIceParameters({ usernameFragment, password, iceLite: lite }));
    const early = this.#earlyCandidates;
    this.#earlyCandidates = [];
    for (const candidate of early) this.addRemoteCandidate(candidate);
  }

  addRemoteCandidate(text: string): void {
    if (this.#isClosed) return;
    // Those of a restart can be ahead of the description with its credentials; libraries write for which ones they are.
    const fragment = / ufrag (\S+)/.exec(text)?.[1];
    if (this.#remoteFragment === undefined || (fragment !== undefined && fragment !== this.#remoteFragment)) {
      this.#earlyCandidates.push(text);
      if (this.#earlyCandidates.length > MAX_EARLY_CANDIDATES) this.#earlyCandidates.shift();
      return;
    }
    const candidate = parseCandidate(text, this.#options.tcp === true);
    if (candidate === undefined || ++this.#remoteCandidates > MAX_REMOTE_CANDIDATES) return;
    void this.transport.addRemoteCandidate(candidate)?.catch(() => undefined);
    // The library gives up at once when it has no pair to check, so it starts with the first candidate.
    if (!this.#hasStarted) this.#start();
  }

  #start(): void {
    this.#hasStarted = true;
    if (this.#options.tcp === true) this.#tcpTimer = setTimeout(() => this.#addTcp(), TCP_AFTER_MS);
    // An agent that was still at it goes on with the new candidates.
    if (this.#isStarting) return;
    this.#isStarting = true;
    // The library refuses to start before.
    void this.gather();
    this.transport.start().then(
      () => {
        this.#isStarting = false;
        clearTimeout(this.#tcpTimer);
        if (this.#isClosed) return;
        this.#monitor?.start();
        this.#events.connected();
      },
      (error: unknown) => {
        this.#isStarting = false;
        if (!this.#isClosed) this.#events.failed(`ICE: ${String(error)}`);
      },
    );
  }

  #addTcp(): void {
    const connection = this.#connection;
    if (this.#isClosed || connection.nominated !== undefined) return;
    const hosts = connection.localCandidates.filter(({ type }) => type === 'host').map(({ host }) => host);
    this.#tcp.add(hosts);
  }

  /**
   * New credentials, for the next description; candidates are gathered again and the path is found again, DTLS and data channels stay
   * (RFC 8445 section 9). What arrives on the old path is taken meanwhile.
   */
  restart(): void {
    clearTimeout(this.#tcpTimer);
    void this.#tcp.hangUp().catch(() => undefined);
    if (this.#monitor?.isStalled === true) void this.#relays.drop();
    this.#gathering = undefined;
    this.#remoteFragment = undefined;
    this.#remoteCandidates = 0;
    this.#hasStarted = false;
    this.transport.restart();
  }

  /** A full socket buffer is a lost packet, as on the way; NACK asks again. */
  send(datagram: Buffer): void {
    this.#connection.send(datagram).catch(() => undefined);
  }

  /** No checks, no relays any more; stop() closes the sockets. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#tcpTimer);
    this.#monitor?.close();
    this.#relays.close();
  }

  async stop(): Promise<void> {
    // A socket that is just being bound would stay open.
    await this.#gathering?.catch(() => undefined);
    await this.transport.stop().catch(() => undefined);
  }
}
