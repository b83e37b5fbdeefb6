import { EventEmitter } from 'node:events';
import type { RtpPacket } from '../../../rtp/packet.js';
import type { ReportBlock, SenderReport } from '../../../rtp/rtcp.js';
import { VideoJitterBuffer, type VideoUnit } from '../../../rtp/video_jitter_buffer.js';
import type { ReceivedCodec, ReceivedSection } from '../sdp/received_sections.js';
import type { EncodedUnit, RemoteTrackStats, RemoteVideoTrack } from '../types.js';
import { ReceivedStream, type ReceiveContext } from './received_stream.js';

const CLOCK_RATE = 90_000;
/** Between two PLIs. */
const KEY_FRAME_INTERVAL_MS = 300;
/** As long as nothing comes of them, requests become rarer, up to this. */
const MAX_KEY_FRAME_INTERVAL_MS = 2000;

/** A received picture stream: puts packets in order, asks for lost ones and for key frames, gives whole units. Decodes nothing. */
export class ReceivedVideoTrack
  extends EventEmitter<{ unit: [unit: EncodedUnit]; ended: [] }>
  implements RemoteVideoTrack
{
  readonly kind = 'video';
  readonly sid: string;
  readonly #context: ReceiveContext;
  readonly #stream: ReceivedStream;
  #codecs: ReadonlyMap<number, ReceivedCodec>;
  #usesNack: boolean;
  #jitterBuffer: VideoJitterBuffer | undefined;
  #codec: 'h264' | 'vp8' | undefined;
  #frames = 0;
  #recovered = 0;
  #keyFrameRequests = 0;
  #lastRequestMs = -Infinity;
  #requestIntervalMs = KEY_FRAME_INTERVAL_MS;
  #isRequestWaiting = false;
  #ended = false;
  readonly #poll = (): void => this.#pump(this.#context.nowMs());
  readonly #lateRequest = (): void => this.#sendRequest(this.#context.nowMs());

  constructor(section: ReceivedSection, context: ReceiveContext) {
    super();
    this.sid = section.trackSid;
    this.#context = context;
    this.#stream = new ReceivedStream(section.ssrcs[0] ?? 0, CLOCK_RATE);
    this.#codecs = section.codecs;
    this.#usesNack = section.nack;
  }

  /** The server offered the track again, maybe otherwise. */
  update(section: ReceivedSection): void {
    this.#codecs = section.codecs;
    this.#usesNack = section.nack;
  }

  onRtp(packet: RtpPacket, nowMs: number): void {
    const codec = this.#codecs.get(packet.payloadType);
    if (this.#ended || (codec !== 'h264' && codec !== 'vp8')) return;
    this.#stream.onPacket(packet, nowMs);
    if (codec !== this.#codec || this.#jitterBuffer === undefined) {
      // A publisher may change its codec in the call; the next unit is a key frame of the new one.
      this.#recovered += this.#jitterBuffer?.recovered ?? 0;
      this.#codec = codec;
      this.#jitterBuffer = new VideoJitterBuffer({ codec });
    }
    this.#jitterBuffer.push(packet, nowMs);
    this.#pump(nowMs);
  }

  onSenderReport(report: SenderReport, nowMs: number): void {
    this.#stream.onSenderReport(report, nowMs);
  }

  takeReport(nowMs: number): ReportBlock | undefined {
    return this.#stream.takeReport(nowMs);
  }

  #pump(nowMs: number): void {
    if (this.#jitterBuffer === undefined || this.#ended) return;
    const { units, nacks, keyFrameNeeded, nextPollAtMs } = this.#jitterBuffer.poll(nowMs);
    if (nacks.length > 0 && this.#usesNack) {
      const { localSsrc, sendRtcp } = this.#context;
      sendRtcp([{ kind: 'nack', senderSsrc: localSsrc, mediaSsrc: this.#stream.ssrc, sequences: nacks }]);
    }
    for (const unit of units) this.#give(unit);
    if (keyFrameNeeded && nowMs - this.#lastRequestMs >= this.#requestIntervalMs) {
      this.#requestIntervalMs = Math.min(MAX_KEY_FRAME_INTERVAL_MS, this.#requestIntervalMs * 1.5);
      this.#sendRequest(nowMs);
    }
    this.#context.pollTimer.schedule(this.#poll, nextPollAtMs);
  }

  #give(unit: VideoUnit): void {
    if (isBlank(unit)) return;
    this.#frames += 1;
    if (unit.keyFrame) this.#requestIntervalMs = KEY_FRAME_INTERVAL_MS;
    const { codec, data, keyFrame, width, height, timestamp, afterLoss, arrivalMs } = unit;
    const captureTimeUs = this.#stream.captureTimeUs(timestamp, arrivalMs);
    this.emit('unit', { codec, data, keyFrame, width, height, timestamp, captureTimeUs, afterLoss });
  }

  requestKeyFrame(): void {
    if (this.#ended || this.#isRequestWaiting) return;
    const now = this.#context.nowMs();
    const dueAtMs = this.#lastRequestMs + KEY_FRAME_INTERVAL_MS;
    if (now >= dueAtMs) {
      this.#sendRequest(now);
      return;
    }
    this.#isRequestWaiting = true;
    this.#context.pollTimer.schedule(this.#lateRequest, dueAtMs);
  }

  #sendRequest(nowMs: number): void {
    this.#isRequestWaiting = false;
    if (this.#ended || this.#stream.ssrc === 0) return;
    this.#lastRequestMs = nowMs;
    this.#keyFrameRequests += 1;
    this.#context.sendRtcp([{ kind: 'pli', senderSsrc: this.#context.localSsrc, mediaSsrc: this.#stream.ssrc }]);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#context.pollTimer.schedule(this.#poll, undefined);
    this.#context.pollTimer.schedule(this.#lateRequest, undefined);
    this.emit('ended');
  }

  stats(): RemoteTrackStats {
    return {
      ...this.#stream.stats(),
      recovered: this.#recovered + (this.#jitterBuffer?.recovered ?? 0),
      frames: this.#frames,
      keyFrameRequests: this.#keyFrameRequests,
    };
  }
}

/**
 * LiveKit ends what it forwards with a few black key frames of its own, so that browsers do not go on showing the last picture (pkg/sfu/downtrack.go:
 * H264KeyFrame2x2, VP8KeyFrame8x8). They are no pictures of the publisher, and no camera has that size.
 */
function isBlank({ codec, keyFrame, width, height }: VideoUnit): boolean {
  const side = codec === 'h264' ? 2 : 8;
  return keyFrame && width === side && height === side;
}
