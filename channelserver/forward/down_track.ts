import { randomInt } from 'node:crypto';
import type { NtpTime } from '../../rtp/clock.js';
import { RetransmissionBuffer } from '../../rtp/nack.js';
import type { RtpPacket } from '../../rtp/packet.js';
import { SenderStats } from '../../rtp/reports.js';
import { StreamRewriter } from '../../rtp/rewriter.js';
import { serializeRtcp } from '../../rtp/rtcp.js';
import type { Nack, Pli, ReportBlock } from '../../rtp/rtcp.js';
import { askedLayer, chooseLayer } from './layer_choice.js';
import type { LayerState, WantedQuality } from './layer_choice.js';
import type { UpLayer } from './up_layer.js';
import type { UpTrack } from './up_track.js';

export interface DownTrackOptions {
  source: UpTrack;
  streamId: string;
  trackId: string;
  ssrc: number;
  send: (packet: Buffer) => void;
  sendRtcp: (packet: Buffer) => void;
}

const HEADER_BYTES = 12;
/** At 2 Mbit/s about two seconds. */
const RETRANSMISSION_PACKETS = 512;
/** Repeated asks within this time are one ask. */
const MIN_REPEAT_MS = 20;
const HIGHEST: WantedQuality = { quality: 2, width: 0, height: 0 };

/** One subscriber's copy of a track: one SSRC, whatever layer it comes from, beginning with a key frame. */
export class DownTrack {
  readonly source: UpTrack;
  readonly streamId: string;
  readonly trackId: string;
  readonly ssrc: number;
  readonly stats: SenderStats;
  readonly #send: DownTrackOptions['send'];
  readonly #sendRtcp: DownTrackOptions['sendRtcp'];
  readonly #rewriter: StreamRewriter;
  readonly #sent: RetransmissionBuffer<Buffer> | undefined;
  #payloadType: number | undefined;
  /** The client has answered and the connection is there. */
  #started = false;
  #paused = false;
  #muted = false;
  #closed = false;
  #wanted = HIGHEST;
  /** What is forwarded; undefined until the first key frame, and after a pause. */
  #current: UpLayer | undefined;
  /** What shall be forwarded from its next key frame on. */
  #target: UpLayer | undefined;
  /** Outgoing minus incoming RTP time of the current layer. */
  #timestampShift = 0;
  #retransmitted = 0;

  constructor(options: DownTrackOptions) {
    this.source = options.source;
    this.streamId = options.streamId;
    this.trackId = options.trackId;
    this.ssrc = options.ssrc;
    this.#send = options.send;
    this.#sendRtcp = options.sendRtcp;
    const { codec, kind } = options.source;
    this.stats = new SenderStats(options.ssrc, codec.clockRate);
    this.#rewriter = new StreamRewriter({
      ssrc: options.ssrc,
      clockRate: codec.clockRate,
      codec: codec.name === 'VP8' ? 'vp8' : codec.name === 'H264' ? 'h264' : 'opus',
      // In the lower half: a wrap before the receiver's first packet would put its SRTP index out of step (RFC 3711, 3.3.1).
      firstSequence: randomInt(1, 2 ** 14),
      firstTimestamp: randomInt(2 ** 31),
    });
    this.#sent =
      kind === 'video'
        ? new RetransmissionBuffer({ maxPackets: RETRANSMISSION_PACKETS, minRepeatMs: MIN_REPEAT_MS })
        : undefined;
  }

  get retransmitted(): number {
    return this.#retransmitted;
  }

  /** The RID that is forwarded; undefined while nothing is. */
  get currentRid(): string | undefined {
    return this.#current?.rid;
  }

  /** The client's answer has the codec. */
  accept(payloadType: number): void {
    this.#payloadType = payloadType;
  }

  /** The connection is there; nothing happens before the answer. */
  start(): void {
    if (this.#started || this.#closed || this.#payloadType === undefined) return;
    this.#started = true;
    this.review(performance.now());
  }

  setPaused(paused: boolean): void {
    if (this.#paused === paused) return;
    this.#paused = paused;
    this.#interrupt();
    this.source.demandChanged();
  }

  setMuted(muted: boolean): void {
    if (this.#muted === muted) return;
    this.#muted = muted;
    this.#interrupt();
  }

  setWanted(wanted: WantedQuality): void {
    this.#wanted = wanted;
    this.review(performance.now());
    this.source.demandChanged();
  }

  /** The place of the layer that the client asks for; -1 while it pauses the track. */
  askedLayer(): number {
    return this.#paused ? -1 : askedLayer(this.#layerStates(performance.now()), this.#wanted);
  }

  /** Chooses the layer anew: another one is wanted, or one came or went. */
  review(nowMs: number): void {
    if (!this.#forwards()) return;
    const chosen = this.source.layers[chooseLayer(this.#layerStates(nowMs), this.#wanted)];
    if (chosen === undefined) return;
    this.#target = chosen;
    if (chosen !== this.#current) this.source.needKeyFrame(chosen, nowMs);
  }

  /** On the hot path: one call for every packet and subscriber. canBegin: a key frame starts, and nothing behind it has come yet. */
  forward(layer: UpLayer, packet: RtpPacket, canBegin: boolean, nowMs: number): void {
    if (!this.#forwards()) return;
    if (layer !== this.#current && !this.#takesOver(layer, canBegin, nowMs)) return;
    if (packet.payload.length === 0) {
      // Padding, by which a sender probes the path to us; the way on is another one.
      this.#rewriter.drop(packet);
      return;
    }
    const out = this.#rewriter.push(packet, nowMs);
    if (out === undefined) return;
    this.#timestampShift = out.timestamp - packet.timestamp;
    const { payload } = out;
    const buffer = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
    buffer[0] = 0x80;
    buffer[1] = (out.marker ? 0x80 : 0) | (this.#payloadType ?? 0);
    buffer.writeUInt16BE(out.sequence, 2);
    buffer.writeUInt32BE(out.timestamp, 4);
    buffer.writeUInt32BE(this.ssrc, 8);
    payload.copy(buffer, HEADER_BYTES);
    this.#sent?.add(out.sequence, buffer, nowMs);
    this.stats.packets += 1;
    this.stats.bytes += payload.length;
    this.#send(buffer);
  }

  /** The publisher's clock with our RTP time, so that receivers know when a picture was taken and what sounds with it. */
  passSenderReport(layer: UpLayer, ntp: NtpTime, rtpTimestamp: number): void {
    if (layer !== this.#current || !this.#forwards() || this.stats.packets === 0) return;
    this.#sendRtcp(
      serializeRtcp([
        {
          kind: 'sender_report',
          ssrc: this.ssrc,
          ntp,
          rtpTimestamp: (rtpTimestamp + this.#timestampShift) >>> 0,
          packetCount: this.stats.packets >>> 0,
          octetCount: this.stats.bytes >>> 0,
          reports: [],
        },
        { kind: 'sdes', chunks: [{ ssrc: this.ssrc, items: [{ type: 1, text: this.streamId }] }] },
      ]),
    );
  }

  feedback(message: Nack | Pli): void {
    if (message.kind === 'pli') {
      this.keyFrameWanted();
      return;
    }
    const nowMs = performance.now();
    for (const sequence of message.sequences) {
      const packet = this.#sent?.take(sequence, nowMs);
      if (packet === undefined) continue;
      this.#retransmitted += 1;
      this.#send(packet);
    }
  }

  keyFrameWanted(): void {
    const layer = this.#target ?? this.#current;
    if (layer !== undefined && this.#forwards()) this.source.needKeyFrame(layer, performance.now());
  }

  report(block: ReportBlock): void {
    this.stats.onReportBlock(block, Date.now() * 1000);
  }

  close(): void {
    this.#closed = true;
    this.#sent?.clear();
    this.source.detach(this);
  }

  #forwards(): boolean {
    return this.#started && !this.#paused && !this.#muted && !this.#closed;
  }

  #layerStates(nowMs: number): LayerState[] {
    return this.source.layers.map((layer) => ({
      active: layer?.isActive(nowMs) ?? false,
      width: layer?.width ?? 0,
      height: layer?.height ?? 0,
    }));
  }

  /** Forwarding stops, or begins anew with a key frame. */
  #interrupt(): void {
    this.#current = undefined;
    this.#target = undefined;
    this.review(performance.now());
  }

  /** Whether a packet of another layer is where that layer takes over. */
  #takesOver(layer: UpLayer, canBegin: boolean, nowMs: number): boolean {
    this.#target ??= layer;
    // While nothing is shown yet, a lower layer that has its key frame first is better than waiting.
    const { layers } = this.source;
    const stopgap = this.#current === undefined && layers.indexOf(layer) < layers.indexOf(this.#target);
    if (layer !== this.#target && !stopgap) return false;
    if (this.source.kind === 'video' && !canBegin) {
      if (!stopgap) this.source.needKeyFrame(layer, nowMs);
      return false;
    }
    this.#current = layer;
    this.#rewriter.switchSource();
    return true;
  }
}
