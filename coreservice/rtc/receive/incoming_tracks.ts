import { EventEmitter } from 'node:events';
import { randomInt } from 'node:crypto';
import { parseRtp, type RtpPacket } from '../../../rtp/packet.js';
import { parseRtcp, serializeRtcp, type ReportBlock, type RtcpMessage } from '../../../rtp/rtcp.js';
import type { ReceivedSection } from '../sdp/received_sections.js';
import type { MediaTransport } from '../../../webrtc/media_transport.js';
import { PollTimer } from './poll_timer.js';
import { ReceivedAudioTrack } from './received_audio_track.js';
import type { ReceiveContext } from './received_stream.js';
import { ReceivedVideoTrack } from './received_video_track.js';
import { TransportCcRecorder } from './transport_cc_recorder.js';

export type ReceivedTrack = ReceivedAudioTrack | ReceivedVideoTrack;

/** RFC 3550 section 6.4.2: a report has at most 31 blocks. */
const MAX_BLOCKS = 31;
const TRANSPORT_CC_INTERVAL_MS = 100;
/** SSRCs that were found by their mid; a server uses one for each track. */
const MAX_LEARNED_SSRCS = 512;

interface Entry {
  track: ReceivedTrack;
  section: ReceivedSection;
}

/** All tracks of the subscriber connection: packets by SSRC (or mid) to their track, reports and feedback back. */
export class IncomingTracks extends EventEmitter<{ added: [track: ReceivedTrack]; removed: [track: ReceivedTrack] }> {
  readonly #transport: MediaTransport;
  readonly #context: ReceiveContext;
  readonly #transportCc: TransportCcRecorder;
  readonly #byTrackSid = new Map<string, Entry>();
  readonly #bySsrc = new Map<number, Entry>();
  readonly #byMid = new Map<string, Entry>();
  readonly #cname: string;
  #transportCcId: number | undefined;
  #midId: number | undefined;
  #lastMediaSsrc = 0;
  readonly #sendTransportCc = (): void => {
    const feedback = this.#transportCc.take(this.#lastMediaSsrc);
    if (feedback !== undefined) this.#context.sendRtcp([feedback]);
  };

  constructor(transport: MediaTransport, cname: string, nowMs: () => number = () => performance.now()) {
    super();
    this.#transport = transport;
    this.#cname = cname;
    const localSsrc = randomInt(1, 0xffffffff);
    const sendRtcp = (messages: RtcpMessage[]): void => transport.sendRtcp(serializeRtcp(messages));
    this.#context = { nowMs, sendRtcp, pollTimer: new PollTimer(nowMs), localSsrc };
    this.#transportCc = new TransportCcRecorder(localSsrc);
    transport.on('rtp', (packet) => this.#onRtp(packet));
    transport.on('rtcp', (packet) => this.#onRtcp(packet));
  }

  /** What an offer carries, in full. */
  onSections(sections: readonly ReceivedSection[]): void {
    const present = new Set(sections.map((section) => section.trackSid));
    for (const [sid, entry] of [...this.#byTrackSid]) if (!present.has(sid)) this.#remove(sid, entry);
    this.#bySsrc.clear();
    this.#byMid.clear();
    const added: Entry[] = [];
    for (const section of sections) {
      let entry = this.#byTrackSid.get(section.trackSid);
      if (entry === undefined) {
        entry = { track: this.#create(section), section };
        this.#byTrackSid.set(section.trackSid, entry);
        added.push(entry);
      } else {
        entry.section = section;
        entry.track.update(section);
      }
      for (const ssrc of section.ssrcs) this.#bySsrc.set(ssrc, entry);
      this.#byMid.set(section.mid, entry);
      this.#transportCcId = section.transportCcId ?? this.#transportCcId;
      this.#midId = section.midId ?? this.#midId;
    }
    for (const { track } of added) {
      this.emit('added', track);
      if (track.kind === 'video') track.requestKeyFrame();
    }
  }

  #create(section: ReceivedSection): ReceivedTrack {
    return section.kind === 'video'
      ? new ReceivedVideoTrack(section, this.#context)
      : new ReceivedAudioTrack(section, this.#context);
  }

  #remove(sid: string, { track }: Entry): void {
    this.#byTrackSid.delete(sid);
    track.end();
    this.emit('removed', track);
  }

  #onRtp(data: Buffer): void {
    const packet = parseRtp(data);
    if (packet === undefined) return;
    const now = this.#context.nowMs();
    if (this.#transportCcId !== undefined) this.#noteTransportSequence(packet, this.#transportCcId, now);
    const entry = this.#bySsrc.get(packet.ssrc) ?? this.#findByMid(packet);
    entry?.track.onRtp(packet, now);
  }

  #noteTransportSequence(packet: RtpPacket, id: number, nowMs: number): void {
    const value = packet.extensions.get(id);
    if (value?.length !== 2) return;
    if (this.#transportCc.waiting === 0)
      this.#context.pollTimer.schedule(this.#sendTransportCc, nowMs + TRANSPORT_CC_INTERVAL_MS);
    this.#lastMediaSsrc = packet.ssrc;
    this.#transportCc.onPacket(value.readUInt16BE(0), nowMs);
  }

  #findByMid(packet: RtpPacket): Entry | undefined {
    const mid = this.#midId === undefined ? undefined : packet.extensions.get(this.#midId);
    const entry = mid === undefined ? undefined : this.#byMid.get(mid.toString('latin1'));
    if (entry !== undefined && this.#bySsrc.size < MAX_LEARNED_SSRCS) this.#bySsrc.set(packet.ssrc, entry);
    return entry;
  }

  #onRtcp(data: Buffer): void {
    const now = this.#context.nowMs();
    for (const message of parseRtcp(data))
      if (message.kind === 'sender_report') this.#bySsrc.get(message.ssrc)?.track.onSenderReport(message, now);
  }

  /** To be called about once a second. */
  sendReports(): void {
    const now = this.#context.nowMs();
    const blocks: ReportBlock[] = [];
    for (const { track } of this.#byTrackSid.values()) {
      const block = track.takeReport(now);
      if (block !== undefined) blocks.push(block);
    }
    const { localSsrc, sendRtcp } = this.#context;
    for (let at = 0; at < blocks.length; at += MAX_BLOCKS)
      sendRtcp([
        { kind: 'receiver_report', ssrc: localSsrc, reports: blocks.slice(at, at + MAX_BLOCKS) },
        { kind: 'sdes', chunks: [{ ssrc: localSsrc, items: [{ type: 1, text: this.#cname }] }] },
      ]);
  }

  /** Ends all tracks; the transport is its owner's to close. */
  close(): void {
    this.#context.pollTimer.close();
    for (const [sid, entry] of [...this.#byTrackSid]) this.#remove(sid, entry);
    this.#bySsrc.clear();
    this.#byMid.clear();
    this.#transport.removeAllListeners('rtp').removeAllListeners('rtcp');
  }
}
