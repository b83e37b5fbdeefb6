import { TokenFormat, type AlirtcClient } from '../../client/index.js';
import { RtcPeer } from '../support/rtc_peer/index.js';
import type { Excuses } from './excuses.js';
import { FlowWatch, type WatchedFlow } from './flow_watch.js';
import { ANCHOR, CHANNELS, PICTURE, SILENCE_LIMIT_MS, TONES } from './protocol.js';

const LOOK_MS = 2_000;
/** So long after it has begun to publish a slot has to be seen. */
const FIRST_SEEN_MS = 5_000;
/** The peer gives up behind ten attempts. */
const GAVE_UP_MS = 90_000;
/** It was seen to neither come back nor say so, when the server was killed while it joined again: so long without a picture of anybody. */
const CUT_OFF_MS = 60_000;

interface Seen extends WatchedFlow {
  sinceMs: number;
}

/** The participant that is not ours (@livekit/rtc-node): publishes numbered pictures and a tone all along, and looks at what the engines publish. */
export class Anchor {
  pictures = 0;
  readonly #watch: FlowWatch;
  readonly #seen = new Map<string, Seen>();
  #timer: NodeJS.Timeout | undefined;
  /** A picture of anybody. */
  #lastSeenMs = Infinity;
  #looking: Promise<void> = Promise.resolve();

  #peer: RtcPeer | undefined;
  /** It gave up to reconnect, and was started anew. */
  restarts = 0;

  constructor(
    private readonly client: AlirtcClient,
    private readonly excuses: Excuses,
    private readonly onProblem: (problem: string) => void,
  ) {
    this.#watch = new FlowWatch(excuses, ({ name, progress }) =>
      onProblem(`${name}: nothing new for ${SILENCE_LIMIT_MS / 1000} s, ${progress} pictures before`),
    );
  }

  async start(): Promise<void> {
    this.#peer = await this.#connected();
    this.#lookLater();
  }

  async #connected(): Promise<RtcPeer> {
    const peer = await RtcPeer.start();
    try {
      await this.#publish(peer);
      return peer;
    } catch (error) {
      await peer.close();
      throw error;
    }
  }

  async #publish(peer: RtcPeer): Promise<void> {
    const { token, channelServerUrl } = await this.client.generateToken({
      channel: CHANNELS.anchored,
      userId: ANCHOR,
      format: TokenFormat.LIVEKIT,
    });
    await peer.call('connect', { url: channelServerUrl, token });
    await peer.call('publish_video', { ...PICTURE, codec: 'h264', maxBitrate: 200_000, detail: 0.3 });
    await peer.call('publish_audio', { frequency: TONES.anchor });
  }

  /** A slot publishes into the peer's channel, or not any more. */
  expect(user: string, publishing: boolean): void {
    const before = this.#seen.get(user);
    if (before !== undefined) this.#watch.delete(before);
    this.#seen.delete(user);
    if (!publishing) return;
    const sinceMs = performance.now();
    if (this.#watch.size === 0) this.#lastSeenMs = sinceMs;
    const seen: Seen = {
      name: `pictures of ${user} at the peer`,
      who: [user, ANCHOR],
      isExpected: () => performance.now() > sinceMs + FIRST_SEEN_MS,
      progress: 0,
      sinceMs,
    };
    this.#seen.set(user, seen);
    this.#watch.add(seen);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#watch.stop();
    await this.#looking;
    await this.#peer?.close();
  }

  #lookLater(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look()
        .catch((error: unknown) =>
          this.onProblem(`the peer: ${error instanceof Error ? error.message : String(error)}`),
        )
        .then(() => {
          if (this.#timer !== undefined) this.#lookLater();
        });
    }, LOOK_MS);
  }

  async #look(): Promise<void> {
    if (this.#peer === undefined) {
      this.#peer = await this.#connected();
      return;
    }
    const isCutOff = this.#watch.size > 0 && performance.now() > this.#lastSeenMs + CUT_OFF_MS;
    if (isCutOff || this.#peer.events.some(({ event }) => event === 'disconnected')) return this.#replace(this.#peer);
    const { participants } = await this.#peer.call('report', {});
    for (const [identity, { video }] of Object.entries(participants)) {
      const readable = video.reduce((sum, track) => sum + track.readable, 0);
      this.pictures += readable;
      if (readable > 0) this.#lastSeenMs = performance.now();
      const seen = this.#seen.get(identity);
      if (seen !== undefined) seen.progress += readable;
    }
  }

  /** libwebrtc's SDK tries to come back for about a minute, then its program has to. */
  async #replace(gone: RtcPeer): Promise<void> {
    this.restarts += 1;
    if (!this.excuses.covers([ANCHOR], performance.now() - GAVE_UP_MS)) this.onProblem('the peer was disconnected');
    this.#peer = undefined;
    await gone.close();
    this.#peer = await this.#connected();
    this.#lastSeenMs = performance.now();
  }
}
