import * as z from 'zod';
import { AudioQualityMode, ClientRole, RenderMode, VideoStreamType } from '../ipc/enums.js';
import { DEFAULT_CAMERA, DEFAULT_SCREEN, type EncoderConfiguration } from './encoder_configuration.js';

/** The codec keys of `extra` and SET_PARAMETER that the vendor's SDK documents (engine-semantics.md, section 5). */
export interface ObserverSettings {
  audioCodec: number;
  /** 0: as is. */
  audioSampleRate: number;
  audioBitrateKbps: number;
  videoCodec: number;
}

export interface VideoSourceSettings {
  enabled: boolean;
  renderMode: number;
}

export interface AudioSourceSettings {
  enabled: boolean;
  sampleRate: number;
  channels: number;
}

/** What the host has set, before a join or in a call; a join takes all of it. Defaults of the interface. */
export class Settings {
  /** Undefined until SET_CLIENTROLE: then the profile decides. */
  role: ClientRole | undefined;
  publish = { camera: true, audio: true, dual: false, screen: false };
  localVideo = true;
  mute = { camera: false, mic: false };
  camera: EncoderConfiguration = DEFAULT_CAMERA;
  screen: EncoderConfiguration = DEFAULT_SCREEN;
  audioProfile: AudioQualityMode = AudioQualityMode.Basic;
  /** 0-100. */
  volume = 100;
  videoSources: { camera: VideoSourceSettings; screen: VideoSourceSettings } = {
    camera: { enabled: false, renderMode: RenderMode.Auto },
    screen: { enabled: false, renderMode: RenderMode.Auto },
  };
  audioSource: AudioSourceSettings | undefined;
  defaultStreamType: VideoStreamType = VideoStreamType.High;
  /** Of SetPeriodForCheckPeople; 0: off. */
  checkPeopleSeconds = 0;
  leaveOnceNoStreamer = false;
  /** At most one picture a period; 0: all. */
  videoCallbackPeriodMs = 0;
  observer: ObserverSettings = { audioCodec: 0, audioSampleRate: 0, audioBitrateKbps: 64, videoCodec: 0 };
  dataChannel = { publish: false, subscribe: false };
  /** Where to join when neither the join nor the environment says. */
  url: string | undefined;
  /** All nodes of the cluster in the order to try, `url` the first. */
  urls: string[] | undefined;
  reconnectLimitMs = 100_000;
  /** By one peer connection or by two; auto: as the channel server has it. */
  connections: 'auto' | 'single' | 'dual' = 'auto';
  /** Decoded pictures through shared memory. */
  pictureRing = false;

  streamsByRole(communication: boolean): boolean {
    return communication || this.roleIn(communication) === ClientRole.Interactive;
  }

  /** Before SET_CLIENTROLE everyone is a streamer in Communication and audience elsewhere. */
  roleIn(communication: boolean): ClientRole {
    return this.role ?? (communication ? ClientRole.Interactive : ClientRole.Live);
  }
}

/** Strings or numbers, as the vendor's documentation shows both. */
const Loose = z.union([z.number(), z.string().regex(/^-?\d+$/)]).transform(Number);
const Observer = z.object({
  user_specified_audio_observer_codec: Loose.optional(),
  user_specified_audio_observer_codec_format: Loose.optional(),
  user_specified_audio_observer_resample_rate: Loose.optional(),
  user_specified_audio_observer_codec_resample_rate: Loose.optional(),
  user_specified_audio_observer_codec_bitrate: Loose.optional(),
  user_specified_video_observer_codec: Loose.optional(),
  user_specified_video_observer_codec_format: Loose.optional(),
  user_specified_disable_audio_ranking: z.union([Loose, z.boolean()]).optional(),
});
const DATA_KEYS: ReadonlySet<string> = new Set(['enablePubDataChannel', 'enableSubDataChannel']);

/** The keys of `extra` or SET_PARAMETER that nobody here knows, those inside of "data" with their path. */
export function unknownKeys(json: Readonly<Record<string, unknown>>): string[] {
  const known = new Set([...Object.keys(Observer.shape), 'data', 'alirtcd']);
  const data = json['data'];
  const inner = typeof data === 'object' && data !== null && !Array.isArray(data) ? Object.keys(data) : [];
  return [
    ...Object.keys(json).filter((key) => !known.has(key)),
    ...inner.filter((key) => !DATA_KEYS.has(key)).map((key) => `data.${key}`),
  ];
}

/**
 * Takes the documented keys of `extra` or SET_PARAMETER; others are passed over. What is not sensible is corrected to the nearest sensible value: one text for each
 * correction. Throws a ZodError for a key with a wrong value.
 */
export function applyObserverKeys(settings: Settings, json: unknown): string[] {
  const keys = Observer.parse(json);
  const next = { ...settings.observer };
  next.audioCodec = keys.user_specified_audio_observer_codec ?? next.audioCodec;
  const corrections: string[] = [];
  const correct = (name: string, wanted: number, sensible: number): number => {
    if (wanted !== sensible) corrections.push(`${name} ${wanted} corrected to ${sensible}`);
    return sensible;
  };
  for (const key of RESAMPLE_KEYS) {
    const rate = keys[key];
    if (rate !== undefined) next.audioSampleRate = correct(key, rate, nearestRate(rate));
  }
  const bitrate = keys[BITRATE_KEY];
  // 0 is "as it is", like a rate of 0.
  if (bitrate !== undefined && bitrate !== 0) {
    // The documentation leaves the unit open: numbers from 1000 on are bit/s.
    const unit = bitrate >= 1000 ? 1000 : 1;
    next.audioBitrateKbps = correct(BITRATE_KEY, bitrate, Math.min(320, Math.max(16, bitrate / unit)) * unit) / unit;
  }
  next.videoCodec = keys.user_specified_video_observer_codec ?? next.videoCodec;
  settings.observer = next;
  return corrections;
}

/** One rate under two names; the last wins. */
const RESAMPLE_KEYS = [
  'user_specified_audio_observer_codec_resample_rate',
  'user_specified_audio_observer_resample_rate',
] as const;
const BITRATE_KEY = 'user_specified_audio_observer_codec_bitrate';
/** Frames of 10 ms are whole samples at these. */
const SAMPLE_RATES = [8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000] as const;

/** 0 is "as it is". */
function nearestRate(wanted: number): number {
  if (wanted === 0) return 0;
  return SAMPLE_RATES.reduce<number>(
    (best, rate) => (Math.abs(rate - wanted) < Math.abs(best - wanted) ? rate : best),
    SAMPLE_RATES[0],
  );
}
