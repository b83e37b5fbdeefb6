import {
  AudioTrack,
  ConnectionStatus,
  EndCause,
  EngineState,
  VideoTrack,
  type AlirtcEvent,
  type Engine,
  type EventStream,
} from '../../client/index.js';
import type { ClientFigures } from './protocol.js';

interface Tracks {
  sound: boolean;
  pictures: boolean;
}

export interface RosterOptions {
  engine: Engine;
  figures: ClientFigures;
  /** A user's tracks have come, or have come back. */
  onAvailable: (uid: string) => void;
  onProblem: (problem: string) => void;
}

/** Reads an engine's events: knows who is in its channel with what, and sees that no event is missing. */
export class Roster {
  readonly #options: RosterOptions;
  readonly #users = new Map<string, Tracks>();
  /** When it went last, by what and user. */
  readonly #wentMs = new Map<string, number>();
  #stream: EventStream;
  #done: Promise<void>;
  #lastSequence: number | undefined;
  #isClosing = false;
  #endCause: EndCause | undefined;

  constructor(options: RosterOptions) {
    this.#options = options;
    this.#stream = options.engine.events();
    this.#done = this.#read(this.#stream);
  }

  /** The engine has ended. */
  get isOver(): boolean {
    return this.#endCause !== undefined;
  }

  get uids(): string[] {
    return [...this.#users.keys()];
  }

  has(uid: string, what: keyof Tracks): boolean {
    return this.#users.get(uid)?.[what] === true;
  }

  /** It is there, and was all the time since then (performance.now()). */
  hasHadSince(uid: string, what: keyof Tracks, sinceMs: number): boolean {
    return this.has(uid, what) && (this.#wentMs.get(`${what} ${uid}`) ?? -Infinity) < sinceMs;
  }

  /** Ends the event stream, and goes on by another one from where it was. */
  async resume(): Promise<void> {
    this.#stream.cancel();
    await this.#done;
    const fromSequence = this.#lastSequence === undefined ? 0 : this.#lastSequence + 1;
    this.#stream = this.#options.engine.events({ fromSequence });
    this.#done = this.#read(this.#stream);
  }

  /** No end of the engine is a problem from now on. */
  expectEnd(): void {
    this.#isClosing = true;
  }

  async close(): Promise<void> {
    this.expectEnd();
    this.#stream.cancel();
    await this.#done;
  }

  async #read(stream: EventStream): Promise<void> {
    try {
      for await (const event of stream) this.#take(event);
    } catch (error) {
      if (!this.#isClosing)
        this.#options.onProblem(`events: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #take(event: AlirtcEvent): void {
    this.#options.figures.events += 1;
    if (event.type === 'snapshot') {
      // Of a stream that was resumed the events between follow.
      if (this.#lastSequence !== undefined) return;
      this.#lastSequence = event.sequence;
      for (const { uid, audioTrack, videoTrack } of event.value.remoteUsers) this.#set(uid, audioTrack, videoTrack);
      return;
    }
    const expected = (this.#lastSequence ?? 0) + 1;
    if (event.sequence !== expected)
      this.#options.onProblem(`events: number ${event.sequence} in place of ${expected}`);
    this.#lastSequence = event.sequence;
    this.#apply(event);
  }

  #apply(event: AlirtcEvent): void {
    switch (event.type) {
      case 'onRemoteTrackAvailableNotify':
        this.#set(event.value.uid, event.value.audioTrack, event.value.videoTrack);
        return;
      case 'onConnectionStatusChanged':
        if (event.value.status === ConnectionStatus.RECONNECTING) this.#options.figures.reconnects += 1;
        return;
      case 'onRemoteUserOffLineNotify':
        this.#forget(event.value.uid);
        return;
      case 'engineStateChanged':
        if (event.value.newState !== EngineState.JOINED) for (const uid of this.uids) this.#forget(uid);
        return;
      case 'ended':
        this.#endCause = event.value.cause;
        if (!this.#isClosing)
          this.#options.onProblem(`the engine ended: ${EndCause[event.value.cause]} ${event.value.detail}`);
        return;
      default:
    }
  }

  #set(uid: string, audio: AudioTrack, video: VideoTrack): void {
    const tracks = {
      sound: audio === AudioTrack.MIC,
      pictures: video === VideoTrack.CAMERA || video === VideoTrack.BOTH,
    };
    const before = this.#users.get(uid);
    this.#users.set(uid, tracks);
    for (const what of ['sound', 'pictures'] as const)
      if (!tracks[what]) this.#wentMs.set(`${what} ${uid}`, performance.now());
    const hasCome = (tracks.sound && before?.sound !== true) || (tracks.pictures && before?.pictures !== true);
    if (hasCome) this.#options.onAvailable(uid);
  }

  #forget(uid: string): void {
    this.#users.delete(uid);
    for (const what of ['sound', 'pictures'] as const) this.#wentMs.set(`${what} ${uid}`, performance.now());
  }
}
