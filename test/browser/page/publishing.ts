import {
  LocalTrack,
  Track,
  VideoPreset,
  type LocalParticipant,
  type LocalTrackPublication,
  type Room,
} from 'livekit-client';
import type { PageCommands, PageSource, SentStream } from './protocol.js';

const SOURCES: Record<PageSource, Track.Source> = {
  camera: Track.Source.Camera,
  microphone: Track.Source.Microphone,
  screen: Track.Source.ScreenShare,
};

/** What a participant sends from its fake devices. */
export class Publisher {
  constructor(
    private readonly room: Room,
    /** Shows what is sent to whoever looks at the page. */
    private readonly show: (element: HTMLMediaElement, text: string) => void,
  ) {}

  get #local(): LocalParticipant {
    return this.room.localParticipant;
  }

  async camera(params: PageCommands['publish_camera']['params']): Promise<{ sid: string }> {
    const { width, height, framesPerSecond, codec, simulcast, backup, maxBitrate = 800_000 } = params;
    const publication = await this.#local.setCameraEnabled(
      true,
      { resolution: { width, height, frameRate: framesPerSecond } },
      {
        videoCodec: codec,
        simulcast,
        backupCodec: backup === undefined ? false : { codec: backup },
        videoEncoding: { maxBitrate, maxFramerate: framesPerSecond },
        videoSimulcastLayers: [new VideoPreset(width / 2, height / 2, maxBitrate / 4, framesPerSecond)],
      },
    );
    this.#preview(publication, 'own camera');
    return { sid: publication?.trackSid ?? '' };
  }

  async microphone(): Promise<{ sid: string }> {
    // The fake microphone beeps: what cleans a voice would take the beep away.
    const plain = { autoGainControl: false, echoCancellation: false, noiseSuppression: false };
    const publication = await this.#local.setMicrophoneEnabled(true, plain);
    return { sid: publication?.trackSid ?? '' };
  }

  async screen({ codec, framesPerSecond }: PageCommands['publish_screen']['params']): Promise<{ sid: string }> {
    const publication = await this.#local.setScreenShareEnabled(
      true,
      { resolution: { width: 1280, height: 720, frameRate: framesPerSecond } },
      {
        videoCodec: codec,
        simulcast: false,
        backupCodec: false,
        screenShareEncoding: { maxBitrate: 1_500_000, maxFramerate: framesPerSecond },
      },
    );
    this.#preview(publication, 'own screen');
    return { sid: publication?.trackSid ?? '' };
  }

  #preview(publication: LocalTrackPublication | undefined, text: string): void {
    const element = publication?.track?.attach();
    if (element !== undefined) this.show(element, text);
  }

  async unpublish(source: PageSource): Promise<void> {
    const track = this.#local.getTrackPublication(SOURCES[source])?.track;
    if (track !== undefined) await this.#local.unpublishTrack(track);
  }

  async setMuted(source: PageSource, muted: boolean): Promise<void> {
    const publication = this.#local.getTrackPublication(SOURCES[source]);
    if (publication === undefined) throw new Error(`${source} is not published`);
    await (muted ? publication.mute() : publication.unmute());
  }

  async sent(): Promise<SentStream[]> {
    const streams: SentStream[] = [];
    for (const { track, kind } of this.#local.trackPublications.values()) {
      if (!(track instanceof LocalTrack) || kind === Track.Kind.Unknown) continue;
      for (const sender of sendersOf(track)) streams.push(...(await sentBy(sender, kind)));
    }
    return streams;
  }
}

/** A track with a backup codec has one more sender. */
function sendersOf(track: LocalTrack): RTCRtpSender[] {
  const more = 'simulcastCodecs' in track ? [...(track.simulcastCodecs as Map<string, { sender?: RTCRtpSender }>)] : [];
  return [track.sender, ...more.map(([, { sender }]) => sender)].filter((sender) => sender !== undefined);
}

interface OutboundStats {
  type: string;
  id: string;
  rid?: string;
  codecId?: string;
  active?: boolean;
  framesEncoded?: number;
  frameWidth?: number;
  frameHeight?: number;
  bytesSent?: number;
}

async function sentBy(sender: RTCRtpSender, kind: 'audio' | 'video'): Promise<SentStream[]> {
  const stats = await sender.getStats();
  const streams: SentStream[] = [];
  stats.forEach((entry: OutboundStats) => {
    if (entry.type !== 'outbound-rtp') return;
    const codec = stats.get(entry.codecId ?? '') as { mimeType?: string } | undefined;
    streams.push({
      kind,
      rid: entry.rid ?? '',
      mimeType: codec?.mimeType ?? '',
      active: entry.active ?? true,
      framesEncoded: entry.framesEncoded ?? 0,
      width: entry.frameWidth ?? 0,
      height: entry.frameHeight ?? 0,
      bytes: entry.bytesSent ?? 0,
    });
  });
  return streams;
}
