import { PictureRingReader, PictureRingUnreachable } from '../../common/picture_ring.js';
import { OnRemoteVideoSampleResponse } from '../../gen/alirtc/v1/media.js';
import type { Clock } from '../clock.js';
import type { MediaFrame } from '../media/media_frame.js';
import type { MediaHub } from '../media/media_hub.js';
import { refusal } from '../refusals.js';

export interface PreviewPicture {
  jpeg: Buffer;
  captureTimeUs: number;
}

export interface JpegEncoder {
  encode(picture: { width: number; height: number; data: Buffer }): Buffer;
  close(): void;
}

export interface PreviewOptions {
  media: Pick<MediaHub, 'open'>;
  uid: string;
  /** The IPC's VideoTrackType. */
  tracks: ReadonlySet<number>;
  encoder: () => Promise<JpegEncoder>;
  clock: Clock;
  /** The preview is over: nobody asks any more, or the engine has ended. */
  onEnd: () => void;
}

/** Nobody asked for that long: the stream is closed, and with it the demand for decoded pictures. */
const IDLE_MS = 4_000;
const FIRST_PICTURE_MS = 5_000;
/** No picture is made twice, and none sooner after the one before. */
const MIN_INTERVAL_MS = 800;
const POLL_MS = 50;

/**
 * What an engine receives of one user, as small pictures. It asks for decoded pictures as any client does, keeps the newest, and looks into it only when a viewer
 * asks: pictures that nobody sees are not even copied out of the core's shared memory.
 */
export class Preview {
  readonly #options: PreviewOptions;
  readonly #ring = new PictureRingReader();
  #encoder: JpegEncoder | undefined;
  #newest: MediaFrame | undefined;
  #made: { picture: PreviewPicture; atMs: number } | undefined;
  #making: Promise<PreviewPicture> | undefined;
  #closeStream: () => void = () => undefined;
  #stopIdle: () => void = () => undefined;
  #ended = false;

  /** Throws RESOURCE_EXHAUSTED when the engine has too many streams. */
  constructor(options: PreviewOptions) {
    this.#options = options;
    this.#closeStream = this.#open(true);
    this.#idleLater();
  }

  /** True: a new one has to be made to look again. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The newest picture, the same for all who ask meanwhile. Throws UNAVAILABLE when none comes. */
  picture(): Promise<PreviewPicture> {
    this.#idleLater();
    const { clock } = this.#options;
    if (this.#made !== undefined && clock.nowMs() - this.#made.atMs < MIN_INTERVAL_MS)
      return Promise.resolve(this.#made.picture);
    this.#making ??= this.#make().finally(() => (this.#making = undefined));
    return this.#making;
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopIdle();
    this.#closeStream();
    this.#encoder?.close();
    this.#ring.close();
    this.#options.onEnd();
  }

  async #make(): Promise<PreviewPicture> {
    const { clock, encoder } = this.#options;
    const deadlineMs = clock.nowMs() + FIRST_PICTURE_MS;
    while (!this.#ended && clock.nowMs() < deadlineMs) {
      const picture = this.#read();
      if (picture !== undefined) {
        this.#encoder ??= await encoder();
        const made = { jpeg: this.#encoder.encode(picture), captureTimeUs: picture.captureTimeUs };
        if (this.#ended) this.#encoder.close();
        this.#made = { picture: made, atMs: clock.nowMs() };
        return made;
      }
      await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
    }
    throw refusal('unavailable', 'NO_PICTURE', `no picture of this user arrived in ${FIRST_PICTURE_MS / 1000} s`, {
      remedy: 'the user has to publish pictures, and the engine to subscribe to them',
    });
  }

  /** The newest picture that was not taken yet; undefined: there is none, or the core has used its memory again. */
  #read(): { width: number; height: number; data: Buffer; captureTimeUs: number } | undefined {
    const frame = this.#newest;
    this.#newest = undefined;
    if (frame === undefined) return undefined;
    const { width, height, localFrame } = OnRemoteVideoSampleResponse.decode(frame.body);
    const { captureTimeUs } = frame;
    if (localFrame === undefined) return { width, height, data: frame.payload, captureTimeUs };
    try {
      const data = this.#ring.read(localFrame);
      return data === undefined ? undefined : { width, height, data, captureTimeUs };
    } catch (error) {
      if (!(error instanceof PictureRingUnreachable)) throw error;
      this.#closeStream();
      this.#closeStream = this.#open(false);
      return undefined;
    }
  }

  #open(local: boolean): () => void {
    const { media, uid, tracks } = this.#options;
    const shape = { sampleRate: 48_000, channels: 1 };
    const selection = { kind: 'pictures' as const, uids: new Set([uid]), tracks, shape, local, internal: true };
    return media.open(selection, 1, {
      write: ({ frame }, done) => {
        this.#newest = frame;
        done();
      },
      end: () => this.close(),
    });
  }

  #idleLater(): void {
    this.#stopIdle();
    if (!this.#ended) this.#stopIdle = this.#options.clock.after(IDLE_MS, () => this.close());
  }
}
