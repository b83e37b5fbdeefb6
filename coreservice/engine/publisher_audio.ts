import type { Logger } from '../../common/logger.js';
import type { OpusEncoder } from '../codec/types.js';
import { applyVolume } from '../codec/volume.js';
import type { LocalAudioTrack, Room } from '../rtc/types.js';
import { audioProfile, DEFAULT_AUDIO_PROFILE, type AudioProfile } from './audio_profile.js';
import type { EngineClock } from './clock.js';
import type { CodecFactory } from './contracts.js';
import { MediaClock } from './media_clock.js';
import type { Outbox } from './outbox.js';
import type { PtsTimeline } from './pts_timeline.js';
import { placeAudio } from './pts_timeline.js';
import { Publishing } from './publishing.js';
import { PushedAudio, type Sentence } from './pushed_audio.js';
import type { AudioSourceSettings, Settings } from './settings.js';
import type { LocalAudioTotals } from './statistics.js';

const PACKET_MS = 20;
const PACKET_SAMPLES = 960;
/** What is decoded of a packet begins so much before what was encoded into it (RFC 7845, section 4.2: 312 samples). */
const OPUS_LOOKAHEAD_US = 6500;
export const NO_DELAY_AUDIO_MS = 200;

export interface AudioPublisherParts {
  clock: EngineClock;
  logger: Logger;
  outbox: Outbox;
  codecs: CodecFactory;
  settings: Settings;
  timeline: PtsTimeline;
  channelName(): string;
  onConsumed(): void;
}

/**
 * Pushed sound to Opus. While the stream is published a packet leaves every 20 ms by the clock, silence when nothing was pushed: receivers see one unbroken
 * time line, as from a microphone, and late pushes cost a moment of silence and not a jump in time.
 */
export class AudioPublisher {
  readonly publishing: Publishing<LocalAudioTrack>;
  readonly queue: PushedAudio;
  readonly #clock: MediaClock;
  #track: LocalAudioTrack | undefined;
  #encoder: OpusEncoder | undefined;
  #profile: AudioProfile;
  #publishedStereo = false;
  #withPts = false;
  #inputLevel = 0;

  constructor(private readonly parts: AudioPublisherParts) {
    const { clock, logger, outbox, codecs, settings } = parts;
    this.#profile = profileOf(settings);
    this.queue = new PushedAudio({
      capacityMs: NO_DELAY_AUDIO_MS,
      channels: this.#profile.channels,
      createResampler: (from, to) => codecs.resampler(from, to),
      onFull: (isFull) => outbox.event('AUDIO_BUFFER_FULL', { success: isFull }),
      onConsumed: () => parts.onConsumed(),
      onSentence: (edge, { id, sequence }) =>
        outbox.event(edge === 'begin' ? 'AUDIO_SENTENCE_BEGIN' : 'AUDIO_SENTENCE_END', {
          sentenceID: id,
          sequenceID: sequence,
        }),
    });
    this.#clock = new MediaClock(clock, PACKET_MS, (_index, dueUs, dueMs) => this.#tick(dueUs, dueMs), 10);
    this.publishing = new Publishing<LocalAudioTrack>(
      {
        what: 'audio stream',
        publish: (room) => this.#publish(room),
        unpublish: (room, track) => room.unpublish(track),
        onTrack: (track) => this.#onTrack(track),
        onTrackGone: () => this.#onTrackGone(),
        onEdge: (oldState, newState, elapseSinceLastState) => {
          if (!this.publishing.isWanted) this.clear();
          outbox.event('AUDIO_PUBLISH_STATE', {
            oldState,
            newState,
            elapseSinceLastState,
            channel: parts.channelName(),
          });
        },
        onFailed: (text) => outbox.error('ERR_PUBLISH_AUDIO_STREAM_FAILED', { text }),
      },
      clock,
      logger,
    );
  }

  /** capacityMs: 200 with NoDelay, the join's cache size with WithPts. */
  setMode(withPts: boolean, capacityMs: number): void {
    this.#withPts = withPts;
    this.queue.capacityMs = capacityMs;
  }

  setSource(source: AudioSourceSettings): void {
    this.queue.setShapes({ sampleRate: source.sampleRate, channels: source.channels }, this.#profile.channels);
  }

  /** SetAudioProfile: bit rate and bandwidth change at once, the number of channels with the encoder. */
  applyProfile(): void {
    const before = this.#profile;
    this.#profile = profileOf(this.parts.settings);
    if (this.#profile.channels !== before.channels) {
      const source = this.parts.settings.audioSource;
      if (source !== undefined) this.setSource(source);
      this.#encoder?.close();
      this.#encoder = undefined;
    } else {
      this.#encoder?.setBitrate(this.#profile.bitrateKbps, this.#profile.bandwidthHz);
    }
  }

  push(pcm: Buffer, ptsMs: number, sentence?: Sentence): void {
    const { settings, outbox, clock } = this.parts;
    const source = settings.audioSource;
    if (source?.enabled !== true) {
      outbox.pushError('ERR_AUDIO_DATA_ERROR', {
        reason: 'AUDIO_SOURCE_NOT_DECLARED',
        text: 'sound was pushed without SetExternalAudioSource(true, sampleRate, channels)',
      });
      return;
    }
    const frameBytes = 2 * source.channels;
    const durationMs = (pcm.length / frameBytes / source.sampleRate) * 1000;
    if (pcm.length === 0 || pcm.length % frameBytes !== 0) {
      this.queue.discard(durationMs);
      outbox.pushError('ERR_AUDIO_DATA_ERROR', {
        reason: 'AUDIO_LENGTH',
        text: `${pcm.length} bytes are not a whole number of samples of ${frameBytes} bytes`,
      });
      return;
    }
    // Nothing would take it out of the queue.
    if (!this.publishing.isWanted) {
      this.queue.discard(durationMs);
      return;
    }
    const chunk = { samples: samplesOf(pcm), durationMs, ptsMs, ...(sentence === undefined ? {} : { sentence }) };
    this.queue.push(chunk, clock.nowMs());
  }

  clear(): void {
    this.queue.clear();
  }

  /** While published. */
  totals(): LocalAudioTotals | undefined {
    if (this.#track === undefined) return undefined;
    const { sampleRate, channels } = this.#profile;
    return { track: this.#track.stats(), sampleRate, channels, inputLevel: this.#inputLevel };
  }

  close(): void {
    this.#onTrackGone();
    this.queue.clear();
  }

  #publish(room: Room): Promise<LocalAudioTrack> {
    this.#publishedStereo = this.#profile.channels === 2;
    return room.publishAudio({ name: 'microphone', stereo: this.#publishedStereo });
  }

  #onTrack(track: LocalAudioTrack): void {
    this.#track = track;
    track.once('ended', () => this.publishing.lost(track, 'the channel ended the track'));
    this.#clock.start();
  }

  #onTrackGone(): void {
    this.#clock.stop();
    this.#track = undefined;
    this.#encoder?.close();
    this.#encoder = undefined;
  }

  #tick(dueUs: number, dueMs: number): void {
    const packet = new Int16Array(PACKET_SAMPLES * this.#profile.channels);
    const filled = this.#fill(packet, dueMs);
    const { mute, volume } = this.parts.settings;
    const samples = filled ? applyVolume(packet, mute.mic ? 0 : volume) : packet;
    this.#inputLevel = peakPercent(samples);
    this.#encoder ??= this.parts.codecs.opusEncoder(this.#profile);
    this.#track?.send(this.#encoder.encode(samples), { captureTimeUs: dueUs - OPUS_LOOKAHEAD_US });
  }

  #fill(packet: Int16Array, dueMs: number): boolean {
    const nowMs = this.parts.clock.nowMs();
    // By the time at which the packet was due: a late timer would move the time line and leave a hole when the next one is not late.
    if (this.#withPts) placeAudio(this.queue, this.parts.timeline, dueMs, PACKET_MS);
    else while (this.queue.readyMs < PACKET_MS && this.queue.convertNext());
    return this.queue.takePacket(packet, nowMs, this.#withPts);
  }
}

function profileOf(settings: Settings): AudioProfile {
  return audioProfile(settings.audioProfile) ?? DEFAULT_AUDIO_PROFILE;
}

function peakPercent(samples: Int16Array): number {
  let peak = 0;
  for (const sample of samples) if (Math.abs(sample) > peak) peak = Math.abs(sample);
  return Math.round((100 * peak) / 32_768);
}

/** The samples of a Buffer; copied when it does not lie on an even address. */
export function samplesOf(pcm: Buffer): Int16Array {
  if (pcm.byteOffset % 2 === 0) return new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length / 2);
  const copy = new Int16Array(pcm.length / 2);
  for (let i = 0; i < copy.length; i++) copy[i] = pcm.readInt16LE(2 * i);
  return copy;
}
