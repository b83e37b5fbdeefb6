import { EventEmitter } from 'node:events';
import { randomInt } from 'node:crypto';
import { OfferedSections, readAnswer, type AnsweredSection, type PublishedSection } from '../sdp/offered_sections.js';
import { receivedSections, type ReceivedSection } from '../sdp/received_sections.js';
import { SCTP, type DataChannel, type MediaTransport } from '../../../webrtc/media_transport.js';
import type { Sdp } from '../../../webrtc/sdp/description.js';
import { parseSdp } from '../../../webrtc/sdp/parse_sdp.js';
import { transportOf, type DescribedPeer } from '../../../webrtc/sdp/transport_of.js';
import { writeSdp } from '../../../webrtc/sdp/write_sdp.js';

/** How an offer reaches the server: by a signalling message, or inside a join request. */
export interface OfferSignal {
  sendOffer(sdp: string, id: number): void;
  sendCandidate(candidate: string): void;
}

interface Waiting {
  mid: string;
  resolve: (section: AnsweredSection) => void;
  reject: (error: Error) => void;
}

/**
 * Our sending connection, or the only one: we offer, the server answers, one offer at a time. Sections that are added while an answer is awaited go into
 * the next offer. What the server sends is told by its answers, each time in full.
 */
export class Publisher extends EventEmitter<{ sections: [sections: ReceivedSection[]]; failed: [reason: string] }> {
  readonly transport: MediaTransport;
  readonly cname: string;
  readonly #signal: OfferSignal;
  readonly #sections: OfferedSections;
  readonly #sessionId = String(randomInt(1, 2 ** 47));
  readonly #channels: { reliable: DataChannel; lossy: DataChannel };
  readonly #connected: Promise<void>;
  readonly #opened: { reliable?: Promise<DataChannel>; lossy?: Promise<DataChannel> } = {};
  #waiting: Waiting[] = [];
  #offered: Waiting[] = [];
  #offerId = 0;
  #isOffering = false;
  #isDirty = false;
  #isStarted = false;
  #end: Error | undefined;
  #rejectConnected!: (error: Error) => void;

  constructor(transport: MediaTransport, signal: OfferSignal, cname: string) {
    super();
    this.transport = transport;
    this.cname = cname;
    this.#signal = signal;
    this.#sections = new OfferedSections(cname);
    this.#channels = {
      reliable: transport.createDataChannel('_reliable', { reliable: true, ordered: true }),
      lossy: transport.createDataChannel('_lossy', { reliable: false, ordered: true }),
    };
    this.#connected = new Promise((resolve, reject) => {
      this.#rejectConnected = reject;
      transport.once('connected', resolve);
    });
    this.#connected.catch(() => undefined);
    transport.on('candidate', (candidate) => this.#signal.sendCandidate(candidate));
    transport.once('failed', (reason) => this.#fail(`publisher connection: ${reason}`));
  }

  /** The channels that we made; where there is one connection the server sends on them too. */
  get channels(): readonly DataChannel[] {
    return [this.#channels.reliable, this.#channels.lossy];
  }

  /** More m-lines for what the server sends; they go into the next offer, which follows when there has been one. */
  addReceiving(audios: number, videos: number): void {
    for (let count = 0; count < audios; count++) this.#sections.addReceiving('audio');
    for (let count = 0; count < videos; count++) this.#sections.addReceiving('video');
    if (this.#isStarted) this.#renegotiate();
  }

  /** The first offer, for the join request; gather() has to follow when the server is known. */
  startEarly(): void {
    this.#isStarted = true;
    this.#isDirty = true;
    this.#offer();
  }

  /** The first offer goes out with this; further calls do nothing. */
  start(): void {
    if (this.#isStarted) return;
    this.startEarly();
    this.gather();
  }

  /** An ICE restart, by a new offer; what waited for the answer to the last one waits for the next. */
  restart(): void {
    if (!this.#isStarted || this.#end !== undefined) return;
    this.transport.restart();
    this.#isOffering = false;
    this.#isDirty = true;
    this.#waiting = [...this.#offered, ...this.#waiting];
    this.#offered = [];
    this.#offer();
    this.gather();
  }

  gather(): void {
    this.transport.gather().catch((error: unknown) => this.#fail(`no candidates: ${String(error)}`));
  }

  /** Resolves when the server has answered with the track in it and the connection is up. */
  async add(section: PublishedSection): Promise<AnsweredSection> {
    if (this.#end !== undefined) throw this.#end;
    const mid = this.#sections.add(section);
    const answered = new Promise<AnsweredSection>((resolve, reject) => this.#waiting.push({ mid, resolve, reject }));
    this.#renegotiate();
    const result = await answered;
    await this.#connected;
    return result;
  }

  remove(mid: string): void {
    this.#sections.end(mid);
    if (this.#end === undefined) this.#renegotiate();
  }

  /** Resolves with the open channel. */
  channel(reliable: boolean): Promise<DataChannel> {
    this.start();
    const name = reliable ? 'reliable' : 'lossy';
    this.#opened[name] ??= this.#open(this.#channels[name]);
    return this.#opened[name];
  }

  async #open(channel: DataChannel): Promise<DataChannel> {
    await this.#connected;
    if (!channel.isOpen)
      await new Promise<void>((resolve, reject) => {
        channel.once('open', resolve);
        channel.once('close', () => reject(new Error('the data channel is closed')));
        this.once('failed', (reason) => reject(new Error(reason)));
      });
    return channel;
  }

  onAnswer(sdp: string, id: number, trackSids: Readonly<Record<string, string>> = {}): void {
    // An answer with an id is of that offer only; servers without ids send 0.
    if (!this.#isOffering || (id !== 0 && id !== this.#offerId)) return;
    this.#isOffering = false;
    const offered = this.#offered;
    this.#offered = [];
    let answer: Sdp;
    let peer: DescribedPeer;
    try {
      answer = parseSdp(sdp);
      peer = transportOf(answer);
    } catch (error) {
      this.#fail(`unusable answer: ${String(error)}`);
      for (const { reject } of offered) reject(new Error(`unusable answer: ${String(error)}`));
      return;
    }
    // Tracks are known before their first packet can be read.
    this.emit(
      'sections',
      receivedSections(answer, trackSids).filter(({ mid }) => this.#sections.receives(mid)),
    );
    this.#connect(peer);
    for (const { mid, resolve, reject } of offered) {
      try {
        resolve(readAnswer(answer, mid));
      } catch (error) {
        this.#sections.end(mid);
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    }
    this.#offer();
  }

  #connect({ setup, candidates, ...remote }: DescribedPeer): void {
    const dtlsRole = setup === 'active' ? 'server' : 'client';
    this.transport.connect({ ...remote, dtlsRole, weOffered: true, sctp: remote.sctp ?? SCTP });
    for (const candidate of candidates) this.transport.addRemoteCandidate(candidate);
  }

  #renegotiate(): void {
    this.#isDirty = true;
    if (this.#isStarted) this.#offer();
    else this.start();
  }

  #offer(): void {
    if (this.#isOffering || !this.#isDirty || this.#end !== undefined) return;
    this.#isOffering = true;
    this.#isDirty = false;
    this.#offered = this.#waiting;
    this.#waiting = [];
    this.#offerId += 1;
    const { local } = this.transport;
    const sections = this.#sections.sections();
    const offer = { sessionId: this.#sessionId, version: this.#offerId, setup: 'actpass' as const, local, sections };
    this.#signal.sendOffer(writeSdp(offer), this.#offerId);
  }

  #fail(reason: string): void {
    if (this.#end !== undefined) return;
    this.#finish(new Error(reason));
    this.emit('failed', reason);
  }

  #finish(error: Error): void {
    this.#end = error;
    this.#rejectConnected(error);
    for (const { reject } of [...this.#offered, ...this.#waiting]) reject(error);
    this.#offered = [];
    this.#waiting = [];
  }

  async close(): Promise<void> {
    if (this.#end === undefined) this.#finish(new Error('the room is closed'));
    await this.transport.close();
  }
}
