import { randomInt } from 'node:crypto';
import { parseRtp } from '../../rtp/packet.js';
import type { RtpPacket } from '../../rtp/packet.js';
import { parseRtcp, serializeRtcp } from '../../rtp/rtcp.js';
import type { RtcpMessage } from '../../rtp/rtcp.js';
import type { Logger } from '../../common/logger.js';
import type { SdpExtension } from '../../webrtc/sdp/description.js';
import { MID_URI, RID_URI, TRANSPORT_CC_URI } from '../../webrtc/sdp/description.js';
import { TransportFeedback } from './transport_feedback.js';
import type { UpLayer } from './up_layer.js';
import type { UpTrack } from './up_track.js';

const FEEDBACK_INTERVAL_MS = 50;
const REPORT_INTERVAL_MS = 1000;
/** Without packets for so long the timer rests. */
const IDLE_MS = 3000;
/** SSRCs of one connection; more are ignored. */
const MAX_ROUTES = 256;

interface Route {
  mid: string;
  track: UpTrack;
  layer: UpLayer;
}

/** Sorts what a publisher sends to its tracks and layers, and tells the publisher what arrived and what is missing. */
export class UplinkRouter {
  readonly #sendRtcp: (packet: Buffer) => void;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #ssrc = randomInt(1, 2 ** 32 - 1);
  readonly #tracks = new Map<string, UpTrack>();
  readonly #routes = new Map<number, Route>();
  /** SSRCs of a=ssrc lines. */
  readonly #announced = new Map<number, string>();
  readonly #feedback = new TransportFeedback();
  #midId = -1;
  #ridId = -1;
  #transportCcId = -1;
  #timer: NodeJS.Timeout | undefined;
  #timerDueAtMs = Infinity;
  #lastFeedbackAtMs = 0;
  #lastReportAtMs = 0;
  #lastPacketAtMs = 0;
  #closed = false;

  /** now: a steady clock, in ms. */
  constructor(sendRtcp: (packet: Buffer) => void, logger: Logger, now: () => number = () => performance.now()) {
    this.#sendRtcp = sendRtcp;
    this.#logger = logger;
    this.#now = now;
  }

  /** Ids are the same on all m-lines of a bundle (RFC 8843, 9.2). */
  setExtensions(extensions: readonly SdpExtension[]): void {
    const idOf = (uri: string): number => extensions.find((extension) => extension.uri === uri)?.id ?? -1;
    this.#midId = idOf(MID_URI);
    this.#ridId = idOf(RID_URI);
    this.#transportCcId = idOf(TRANSPORT_CC_URI);
  }

  addTrack(mid: string, track: UpTrack, ssrcs: readonly number[]): void {
    this.#tracks.set(mid, track);
    for (const [ssrc, of] of [...this.#announced]) if (of === mid) this.#announced.delete(ssrc);
    // With RIDs the SSRCs do not tell the layer; each packet does, until it is known.
    if (track.rids.length === 1) for (const ssrc of ssrcs) this.#announced.set(ssrc, mid);
    track.onKeyFrameNeeded((layer) => this.#send([{ kind: 'pli', senderSsrc: this.#ssrc, mediaSsrc: layer.ssrc }]));
  }

  removeTrack(mid: string): void {
    this.#tracks.delete(mid);
    for (const [ssrc, route] of [...this.#routes]) if (route.mid === mid) this.#routes.delete(ssrc);
    for (const [ssrc, of] of [...this.#announced]) if (of === mid) this.#announced.delete(ssrc);
  }

  receive(buffer: Buffer): void {
    const packet = parseRtp(buffer);
    if (packet === undefined || this.#closed) return;
    const nowMs = this.#now();
    this.#lastPacketAtMs = nowMs;
    const transportCc = packet.extensions.get(this.#transportCcId);
    if (transportCc?.length === 2) this.#feedback.onPacket(transportCc.readUInt16BE(), nowMs);
    const route = this.#routes.get(packet.ssrc) ?? this.#discover(packet, nowMs);
    if (route?.track.codec.payloadType === packet.payloadType) route.track.receive(route.layer, packet, nowMs);
    const nackDueAtMs = route?.layer.nack?.nextDueAtMs ?? Infinity;
    this.#arm(Math.min(nowMs + FEEDBACK_INTERVAL_MS, nackDueAtMs), nowMs);
  }

  receiveRtcp(buffer: Buffer): void {
    const nowMs = this.#now();
    for (const message of parseRtcp(buffer)) {
      if (message.kind !== 'sender_report') continue;
      const route = this.#routes.get(message.ssrc);
      route?.track.onSenderReport(route.layer, message.ntp, message.rtpTimestamp, nowMs);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#routes.clear();
    this.#tracks.clear();
  }

  #discover(packet: RtpPacket, nowMs: number): Route | undefined {
    const mid = this.#midOf(packet);
    const track = mid === undefined ? undefined : this.#tracks.get(mid);
    if (mid === undefined || track === undefined || this.#routes.size >= MAX_ROUTES) return undefined;
    const rid = track.rids.length === 1 ? '' : (packet.extensions.get(this.#ridId)?.toString('latin1') ?? '');
    const layer = track.addLayer(packet.ssrc, rid, nowMs);
    if (layer === undefined) return undefined;
    const route = { mid, track, layer };
    // A sender that changed its SSRC: the layer's old one is done.
    for (const [ssrc, old] of this.#routes)
      if (old.track === track && old.layer.rid === layer.rid) this.#routes.delete(ssrc);
    this.#routes.set(packet.ssrc, route);
    this.#logger.debug({ mid, rid, ssrc: packet.ssrc }, 'media arrives');
    return route;
  }

  #midOf(packet: RtpPacket): string | undefined {
    const announced = this.#announced.get(packet.ssrc);
    if (announced !== undefined) return announced;
    const extension = packet.extensions.get(this.#midId);
    if (extension !== undefined) return extension.toString('latin1');
    // Neither a=ssrc nor a MID: the payload type decides when only one track has it.
    const fitting = [...this.#tracks].filter(([, { codec }]) => codec.payloadType === packet.payloadType);
    return fitting.length === 1 ? fitting[0]?.[0] : undefined;
  }

  #arm(dueAtMs: number, nowMs: number): void {
    if (this.#timer !== undefined && dueAtMs >= this.#timerDueAtMs) return;
    clearTimeout(this.#timer);
    this.#timerDueAtMs = dueAtMs;
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, Math.ceil(dueAtMs - nowMs)));
  }

  #tick(): void {
    this.#timer = undefined;
    this.#timerDueAtMs = Infinity;
    const nowMs = this.#now();
    const messages: RtcpMessage[] = [];
    let dueAtMs = Infinity;
    for (const { layer } of this.#routes.values()) {
      const { nack } = layer;
      if (nack === undefined) continue;
      const sequences = nack.due(nowMs).map((sequence) => sequence & 0xffff);
      if (sequences.length > 0)
        messages.push({ kind: 'nack', senderSsrc: this.#ssrc, mediaSsrc: layer.ssrc, sequences });
      dueAtMs = Math.min(dueAtMs, nack.nextDueAtMs ?? Infinity);
    }
    if (nowMs - this.#lastFeedbackAtMs >= FEEDBACK_INTERVAL_MS - 5) {
      this.#lastFeedbackAtMs = nowMs;
      const mediaSsrc = this.#routes.keys().next().value ?? 0;
      const feedback = this.#feedback.take(this.#ssrc, mediaSsrc);
      if (feedback !== undefined) messages.push(feedback);
    }
    if (nowMs - this.#lastReportAtMs >= REPORT_INTERVAL_MS) {
      this.#lastReportAtMs = nowMs;
      messages.unshift(this.#receiverReport(nowMs));
      for (const track of this.#tracks.values()) track.review(nowMs);
    }
    this.#send(messages);
    if (nowMs - this.#lastPacketAtMs < IDLE_MS) dueAtMs = Math.min(dueAtMs, nowMs + FEEDBACK_INTERVAL_MS);
    if (dueAtMs !== Infinity && !this.#closed) this.#arm(dueAtMs, nowMs);
  }

  #receiverReport(nowMs: number): RtcpMessage {
    const reports = [...this.#routes.values()].slice(0, 31).flatMap(({ layer }) => layer.stats.takeReport(nowMs) ?? []);
    if (this.#logger.isLevelEnabled('trace'))
      for (const { mid, layer } of this.#routes.values())
        this.#logger.trace(
          { mid, rid: layer.rid, bytes: layer.stats.bytes, lost: layer.stats.packetsLost },
          'received',
        );
    return { kind: 'receiver_report', ssrc: this.#ssrc, reports };
  }

  #send(messages: readonly RtcpMessage[]): void {
    if (messages.length > 0 && !this.#closed) this.#sendRtcp(serializeRtcp(messages));
  }
}
