import { VideoTrackType } from '../../coreservice/ipc/enums.js';
import type { Clock } from '../clock.js';
import type { EngineSession } from '../engine/engine_session.js';
import { refusal } from '../refusals.js';
import { Preview } from './preview.js';
import type { JpegEncoder, PreviewPicture } from './preview.js';

export const MAX_PREVIEWS = 4;

export type PreviewTrack = 'camera' | 'screen';

const TRACKS: Readonly<Record<PreviewTrack, ReadonlySet<number>>> = {
  camera: new Set([VideoTrackType.CameraLarge, VideoTrackType.CameraSmall, VideoTrackType.CameraSuper]),
  screen: new Set([VideoTrackType.ScreenShare]),
};

/** All previews of this daemon: viewers of the same picture share one. */
export class Previews {
  readonly #previews = new Map<string, Preview>();
  readonly #clock: Clock;
  readonly #encoder: () => Promise<JpegEncoder>;

  constructor(clock: Clock, encoder: () => Promise<JpegEncoder> = loadEncoder) {
    this.#clock = clock;
    this.#encoder = encoder;
  }

  get size(): number {
    return this.#previews.size;
  }

  /** Throws RESOURCE_EXHAUSTED when too many are open, UNAVAILABLE when no picture comes. */
  picture(
    { engineId, media }: Pick<EngineSession, 'engineId' | 'media'>,
    uid: string,
    track: PreviewTrack,
  ): Promise<PreviewPicture> {
    const key = `${engineId} ${track} ${uid}`;
    const open = this.#previews.get(key);
    if (open !== undefined) return open.picture();
    if (this.#previews.size >= MAX_PREVIEWS)
      throw refusal('resource_exhausted', 'TOO_MANY_PREVIEWS', `${MAX_PREVIEWS} previews are open on this node`, {
        remedy: 'close another one; it ends a few seconds after',
      });
    const onEnd = (): void => void this.#previews.delete(key);
    const [clock, encoder] = [this.#clock, this.#encoder];
    const preview = new Preview({ media, uid, tracks: TRACKS[track], encoder, clock, onEnd });
    // Of an engine that ends just now.
    if (!preview.ended) this.#previews.set(key, preview);
    return preview.picture();
  }

  close(): void {
    for (const preview of [...this.#previews.values()]) preview.close();
  }
}

/** FFmpeg is loaded when somebody looks for the first time. */
async function loadEncoder(): Promise<JpegEncoder> {
  const { PreviewEncoder } = await import('./preview_encoder.js');
  return new PreviewEncoder();
}
