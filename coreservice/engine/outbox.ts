import { ERROR_NUMBERS, type ErrorName } from '../../common/error_codes.js';
import type { Logger } from '../../common/logger.js';
import type { I420Picture } from '../codec/types.js';
import type { CallbackFields, CallbackName } from '../ipc/callbacks.js';
import type { OutcomeExtension } from '../ipc/extension.js';
import type { HostConnection } from './contracts.js';

/** Frames are dropped while more than this waits for the socket; two pictures always fit. */
const FRAME_BACKLOG_BYTES = 8 * 1024 * 1024;
/** Sound is small and a gap in it is heard: it waits here, 10 ms a frame, while the socket is behind. */
const AUDIO_QUEUE_FRAMES = 200;
/** Memory of pictures that wait for the socket; of more than these it is left to the collector. */
const MAX_UNWRITTEN = 8;
const WARN_DEFAULT = -1;
const REPEAT_MS = 1000;

/**
 * The one way to the host. Callbacks that are not frames are always written; frames are dropped when the host does not read, and the frame's own
 * sequence number shows it.
 */
export class Outbox {
  readonly #audio: (() => void)[] = [];
  readonly #lastComplaintMs = new Map<string, number>();
  readonly #unwritten: (() => void)[] = [];
  #droppedFrames = 0;

  constructor(
    private readonly connection: HostConnection,
    private readonly nowMs: () => number,
    private readonly logger: Logger,
  ) {}

  get droppedFrames(): number {
    return this.#droppedFrames;
  }

  event<N extends CallbackName>(name: N, fields: CallbackFields<N>, payload?: Buffer): void {
    this.#notify(name, fields, payload);
  }

  /** errorCode is one of the closed list: a vendor's host stops reading at any other. */
  error(name: ErrorName, outcome: OutcomeExtension = {}): void {
    this.#notify('ERROR', {
      errorCode: ERROR_NUMBERS[name],
      alirtcd: { ...outcome, reason: outcome.reason ?? name },
    });
  }

  warning(reason: string, text: string): void {
    this.#notify('WARNING', { warningCode: WARN_DEFAULT, alirtcd: { reason, text } });
  }

  /** An error about one of many pushed frames: at most one a second for each reason. */
  pushError(name: ErrorName, outcome: Required<Pick<OutcomeExtension, 'reason' | 'text'>>): void {
    const nowMs = this.nowMs();
    const last = this.#lastComplaintMs.get(outcome.reason);
    if (last !== undefined && nowMs - last < REPEAT_MS) return;
    this.#lastComplaintMs.set(outcome.reason, nowMs);
    this.error(name, outcome);
  }

  /** Whether a video frame of that size may be written now. The caller counts what it drops. */
  hasRoom(bytes: number): boolean {
    const fits = this.connection.writableLength <= Math.max(FRAME_BACKLOG_BYTES, 2 * bytes);
    if (!fits) this.#droppedFrames++;
    return fits;
  }

  /** A decoded picture, by the socket or, when it lies in shared memory already, only its description. Its memory is given back when it is written. */
  picture(fields: CallbackFields<'DECODED_VIDEO_FRAME'>, picture: I420Picture, isInRing: boolean): void {
    this.#notify('DECODED_VIDEO_FRAME', fields, isInRing ? undefined : picture.data);
    const { release } = picture;
    if (isInRing) release?.();
    else if (release !== undefined) this.#unwritten.push(release);
    if (this.#unwritten.length > MAX_UNWRITTEN) this.#unwritten.shift();
    if (this.connection.writableLength === 0) this.#releaseWritten();
  }

  /** Frames of sound: the oldest are dropped when the host does not read. */
  audio<N extends CallbackName>(name: N, fields: CallbackFields<N>, payload: Buffer): void {
    this.#audio.push(() => this.#notify(name, fields, payload));
    if (this.#audio.length > AUDIO_QUEUE_FRAMES) {
      this.#audio.shift();
      this.#droppedFrames++;
    }
    while (this.#audio.length > 0 && this.connection.writableLength <= FRAME_BACKLOG_BYTES) this.#audio.shift()?.();
  }

  /** What waits for the socket is read by it: memory is given back when nothing waits any more. */
  #releaseWritten(): void {
    for (const release of this.#unwritten.splice(0)) release();
  }

  /** A message that cannot be written is a defect of ours, and no reason to end the call for everybody in it. */
  #notify<N extends CallbackName>(name: N, fields: CallbackFields<N>, payload?: Buffer): void {
    try {
      this.connection.notify(name, fields, payload);
    } catch (error) {
      this.logger.error({ err: error, callback: name }, 'a callback could not be written');
    }
  }
}
