import { TokenFormat, type AlirtcClient } from '../../client/index.js';
import { RtcPeer } from '../support/rtc_peer/index.js';
import type { Excuses } from './excuses.js';
import { FlowWatch, type WatchedFlow } from './flow_watch.js';
import { ANCHOR, CHANNELS, PICTURE, SILENCE_LIMIT_MS, TONES } from './protocol.js';

const LOOK_MS = 2_000;
/** So long after it has begun to publish a slot has to be seen. */
const FIRST_SEEN_MS = 5_000;

interface Seen extends WatchedFlow {
  sinceMs: number;
}

/** The participant that is not ours (@livekit/rtc-node): publishes numbered pictures and a tone all along, and looks at what the engines publish. */
export class Anchor {
  pictures = 0;
  readonly #watch: FlowWatch;
  readonly #seen = new Map<string, Seen>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  private constructor(
    private readonly peer: RtcPeer,
    excuses: Excuses,
    private readonly onProblem: (problem: string) => void,
  ) {
    this.#watch = new FlowWatch(excuses, ({ name, progress }) =>
      onProblem(`${name}: nothing new for ${SILENCE_LIMIT_MS / 1000} s, ${progress} pictures before`),
    );
  }

  static async start(client: AlirtcClient, excuses: Excuses, onProblem: (problem: string) => void): Promise<Anchor> {
    const peer = await RtcPeer.start();
    const { token, channelServerUrl } = await client.generateToken({
      channel: CHANNELS.anchored,
      userId: ANCHOR,
      format: TokenFormat.LIVEKIT,
    });
    await peer.call('connect', { url: channelServerUrl, token });
    await peer.call('publish_video', { ...PICTURE, codec: 'h264', maxBitrate: 200_000, detail: 0.3 });
    await peer.call('publish_audio', { frequency: TONES.anchor });
    const anchor = new Anchor(peer, excuses, onProblem);
    anchor.#lookLater();
    return anchor;
  }

  /** A slot publishes into the peer's channel, or not any more. */
  expect(user: string, publishing: boolean): void {
    const before = this.#seen.get(user);
    if (before !== undefined) this.#watch.delete(before);
    this.#seen.delete(user);
    if (!publishing) return;
    const sinceMs = performance.now();
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
    await this.peer.close();
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
    const { participants } = await this.peer.call('report', {});
    for (const [identity, { video }] of Object.entries(participants)) {
      const readable = video.reduce((sum, track) => sum + track.readable, 0);
      this.pictures += readable;
      const seen = this.#seen.get(identity);
      if (seen !== undefined) seen.progress += readable;
    }
  }
}
