import { EventEmitter } from 'node:events';
import { opusPacketSamples } from '../../../rtp/opus.js';
import type { LocalAudioTrack, LocalTrackStats, PublishAudioOptions } from '../types.js';
import { addStats, OutgoingStream } from './outgoing_stream.js';

export const AUDIO_CLOCK_RATE = 48_000;
/** About 2.5 s of 20 ms packets. */
const HISTORY_PACKETS = 128;
/** The capture clock may waver this much before the RTP time follows it. */
const MAX_DRIFT_SAMPLES = AUDIO_CLOCK_RATE / 20;

/** A published microphone. Outlives rejoins; packets sent while there is no connection are dropped. */
export class SentAudioTrack extends EventEmitter<{ ended: [] }> implements LocalAudioTrack {
  readonly kind = 'audio';
  readonly options: PublishAudioOptions;
  readonly stream = new OutgoingStream({ clockRate: AUDIO_CLOCK_RATE, historyPackets: HISTORY_PACKETS });
  #sid = '';
  #ended = false;
  /** RTP time that follows without a gap on the packet before. */
  #nextTimestamp: number | undefined;

  constructor(options: PublishAudioOptions) {
    super();
    this.options = options;
  }

  get sid(): string {
    return this.#sid;
  }

  get streams(): readonly OutgoingStream[] {
    return [this.stream];
  }

  assignSid(sid: string): void {
    this.#sid = sid;
  }

  send(packet: Buffer, { captureTimeUs }: { captureTimeUs: number }): void {
    if (this.#ended) return;
    const byClock = Math.round((captureTimeUs * AUDIO_CLOCK_RATE) / 1e6);
    const expected = this.#nextTimestamp;
    // Whole packets follow each other exactly: a receiver plays by these numbers. Only a real gap moves them.
    const jumps = expected === undefined || Math.abs(byClock - expected) > MAX_DRIFT_SAMPLES;
    const timestamp = jumps ? byClock : expected;
    this.#nextTimestamp = timestamp + opusPacketSamples(packet);
    this.stream.sendFrame([packet], { timestamp, captureTimeUs }, 'none');
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.stream.bind(undefined);
    this.emit('ended');
  }

  stats(): LocalTrackStats {
    return addStats(this.streams);
  }
}
