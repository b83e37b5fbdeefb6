import {
  AudioTrack,
  ClientRole,
  ConnectionStatus,
  PublishState,
  SubscribeState,
  VideoStreamType,
  VideoTrack,
  type AlirtcEvent,
  type Engine,
  type EventStream,
} from '../../../client/index.js';
import { errorName } from '../../../common/error_codes.js';

/** A callback as one line, e.g. "online alice", "tracks alice MIC CAMERA", "publish camera IDLE>PUBLISHING", "camera alice SUBSCRIBED>IDLE". */
export interface Callback {
  line: string;
  event: AlirtcEvent;
}

/** How long nothing more may come before a list of callbacks counts as complete. */
const SETTLE_MS = 120;

/** The callbacks of one engine in their order, frames and statistics left out. */
export class Callbacks {
  readonly all: Callback[] = [];
  readonly #stream: EventStream;
  readonly #waiting = new Set<() => void>();
  #taken = 0;
  ended = false;

  private constructor(stream: EventStream) {
    this.#stream = stream;
    void this.#read();
  }

  /** Resolves when the stream is open, so that nothing is missed. */
  static async of(engine: Engine): Promise<Callbacks> {
    const stream = engine.events();
    await stream.next();
    return new Callbacks(stream);
  }

  get lines(): string[] {
    return this.all.map(({ line }) => line);
  }

  /** Resolves with the first callback of that line behind those that were taken. */
  async until(line: string, timeoutMs = 10_000): Promise<Callback> {
    const found = (): Callback | undefined => this.all.slice(this.#taken).find((one) => one.line === line);
    await this.#wait(() => found() !== undefined, timeoutMs, `"${line}"`);
    return found() as Callback;
  }

  async #wait(isDone: () => boolean, timeoutMs: number, what: string): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!isDone()) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`no ${what} in ${timeoutMs} ms; came: ${this.lines.join(', ')}`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, leftMs);
        this.#waiting.add(wake);
      });
    }
  }

  /** What came since the last take, after all of `last` came and a moment in which nothing more did. */
  async take(...last: string[]): Promise<string[]> {
    for (const line of last) await this.until(line);
    await this.settled();
    const lines = this.lines.slice(this.#taken);
    this.#taken = this.all.length;
    return lines;
  }

  /** Resolves after a moment in which nothing came. */
  async settled(): Promise<void> {
    let count: number;
    do {
      count = this.all.length;
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    } while (this.all.length > count);
  }

  cancel(): void {
    this.#stream.cancel();
  }

  async #read(): Promise<void> {
    try {
      for await (const event of this.#stream) {
        const line = lineOf(event);
        if (line !== undefined) this.all.push({ line, event });
        for (const wake of [...this.#waiting]) wake();
      }
    } finally {
      this.ended = true;
      for (const wake of [...this.#waiting]) wake();
    }
  }
}

/** Groups lines by their first words, each group in its order: for callbacks of streams that go their ways side by side. */
export function bySubject(lines: readonly string[], words = 2): Record<string, string[]> {
  const groups: Record<string, string[]> = {};
  for (const line of lines) {
    const parts = line.split(' ');
    const subject = parts.slice(0, words).join(' ');
    (groups[subject] ??= []).push(parts.slice(words).join(' '));
  }
  return groups;
}

const publish = (what: string, value: { oldState: PublishState; newState: PublishState }): string =>
  `publish ${what} ${PublishState[value.oldState]}>${PublishState[value.newState]}`;

const subscribe = (what: string, value: { uid: string; oldState: SubscribeState; newState: SubscribeState }): string =>
  `${what} ${value.uid} ${SubscribeState[value.oldState]}>${SubscribeState[value.newState]}`;

function resultOf(number: number): string {
  return number === -1 ? '-1' : (errorName(number) ?? String(number));
}

/** Undefined for what is no callback of this area. */
function lineOf({ type, value }: AlirtcEvent): string | undefined {
  switch (type) {
    case 'onError':
      return `error ${resultOf(value.number)}`;
    case 'onWarning':
      return `warning ${value.warningCode}`;
    case 'onJoinChannelResult':
      return `join ${resultOf(value.result)}`;
    case 'onLeaveChannelResult':
      return `leave ${resultOf(value.result)}`;
    case 'onConnectionStatusChanged':
      return `status ${ConnectionStatus[value.status]}`;
    case 'onUpdateRoleNotify':
      return `role ${ClientRole[value.oldRole]}>${ClientRole[value.newRole]}`;
    case 'onRemoteUserOnLineNotify':
      return `online ${value.uid}`;
    case 'onRemoteUserOffLineNotify':
      return `offline ${value.uid}`;
    case 'onRemoteTrackAvailableNotify':
      return `tracks ${value.uid} ${AudioTrack[value.audioTrack]} ${VideoTrack[value.videoTrack]}`;
    case 'onAudioSubscribeStateChanged':
      return subscribe('audio', value);
    case 'onVideoSubscribeStateChanged':
      return subscribe('camera', value);
    case 'onScreenShareSubscribeStateChanged':
      return subscribe('screen', value);
    case 'onSubscribeStreamTypeChanged':
      return `type ${value.uid} ${VideoStreamType[value.oldStreamType]}>${VideoStreamType[value.newStreamType]}`;
    case 'onVideoPublishStateChanged':
      return publish('camera', value);
    case 'onDualStreamPublishStateChanged':
      return publish('dual', value);
    case 'onScreenSharePublishStateChanged':
      return publish('screen', value);
    case 'onAudioPublishStateChanged':
      return publish('audio', value);
    default:
      return undefined;
  }
}
