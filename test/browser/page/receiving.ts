import {
  RemoteAudioTrack,
  RemoteVideoTrack,
  type RemoteParticipant,
  type RemoteTrack,
  type RemoteTrackPublication,
  type Room,
} from 'livekit-client';
import { AudioMeter } from './audio_meter.js';
import type { PageEvent, PageParticipant } from './protocol.js';
import { VideoMeter } from './video_meter.js';

/** Shows and measures what others send. */
export class Receiver {
  readonly #meters = new Map<string, { identity: string; meter: VideoMeter | AudioMeter; shown: HTMLElement }>();

  constructor(
    private readonly room: Room,
    private readonly tiles: HTMLElement,
    private readonly emit: (event: PageEvent) => void,
  ) {}

  add(track: RemoteTrack, { trackSid: sid, source }: RemoteTrackPublication, { identity }: RemoteParticipant): void {
    if (track instanceof RemoteVideoTrack) {
      const element = track.attach() as HTMLVideoElement;
      const shown = showTile(this.tiles, element, `${identity}: ${source}`);
      const first = () => this.emit({ event: 'first_picture', identity, sid, source });
      this.#meters.set(sid, { identity, meter: new VideoMeter(sid, source, track, element, first), shown });
    } else if (track instanceof RemoteAudioTrack) {
      // An analyser gets nothing from a track that no element plays.
      const shown = track.attach();
      document.body.append(shown);
      this.#meters.set(sid, { identity, meter: new AudioMeter(sid, track.mediaStreamTrack), shown });
    }
    this.emit({ event: 'track_subscribed', identity, sid, source });
  }

  remove(track: RemoteTrack, { trackSid: sid, source }: RemoteTrackPublication, { identity }: RemoteParticipant): void {
    track.detach();
    const known = this.#meters.get(sid);
    known?.meter.stop();
    known?.shown.remove();
    this.#meters.delete(sid);
    this.emit({ event: 'track_unsubscribed', identity, sid, source });
  }

  resize(wanted: string, width: number, height: number): void {
    for (const { identity, meter } of this.#meters.values())
      if (identity === wanted && meter instanceof VideoMeter)
        Object.assign(meter.element.style, { width: `${width}px`, height: `${height}px` });
  }

  async report(): Promise<Record<string, PageParticipant>> {
    const participants: Record<string, PageParticipant> = {};
    for (const { identity, attributes, trackPublications } of this.room.remoteParticipants.values()) {
      const tracks = [...trackPublications.values()].map((publication) => ({
        sid: publication.trackSid,
        source: publication.source,
        muted: publication.isMuted,
        mimeType: publication.mimeType ?? '',
        simulcast: publication.simulcasted ?? false,
      }));
      participants[identity] = { attributes: { ...attributes }, tracks, video: [], audio: [] };
    }
    for (const { identity, meter } of this.#meters.values()) {
      if (meter instanceof VideoMeter) participants[identity]?.video.push(await meter.take());
      else participants[identity]?.audio.push(meter.take());
    }
    return participants;
  }
}

/** Puts an element with a caption into the page. */
export function showTile(tiles: HTMLElement, element: HTMLElement, text: string): HTMLElement {
  const figure = document.createElement('figure');
  const caption = document.createElement('figcaption');
  caption.textContent = text;
  figure.append(element, caption);
  tiles.append(figure);
  return figure;
}
