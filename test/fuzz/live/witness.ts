import { serializeRtp } from '../../../rtp/packet.js';
import { RawPeer } from '../../integration/channelserver/raw_peer.js';
import { tokenFor } from '../../integration/channelserver/running_server.js';

const SSRC = 77;
const INTERVAL_MS = 40;
/** Longer, and others in the room notice what one of them does. */
const MAX_SILENCE_MS = 4000;

/** Two well-behaved participants in the room: one sends pictures all the time, the other has to get them all the time. */
export class Witness implements AsyncDisposable {
  #lastCount = 0;
  #lastAtMs = performance.now();
  #worstMs = 0;
  readonly #timer: NodeJS.Timeout;
  packets = 0;

  private constructor(
    private readonly sender: RawPeer,
    private readonly receiver: RawPeer,
    send: () => void,
  ) {
    this.#timer = setInterval(() => {
      send();
      this.#look();
    }, INTERVAL_MS);
  }

  static async start(url: string, room: string): Promise<Witness> {
    const join = async (identity: string): Promise<RawPeer> => RawPeer.join(url, await tokenFor(room, identity));
    const [sender, receiver] = await Promise.all([join('witness-sends'), join('witness-receives')]);
    const track = await sender.publish(SSRC);
    await receiver.receives();
    let sequence = 1;
    const send = (): void => {
      // An IDR slice each time (RFC 6184 section 5.2): every picture can be begun with.
      const payload = Buffer.from([0x65, 0x80, sequence >> 8, sequence & 0xff]);
      const fields = { marker: true, payloadType: track.payloadType, sequence: sequence & 0xffff, ssrc: SSRC };
      track.send(serializeRtp({ ...fields, timestamp: (sequence * 3600) >>> 0, payload }));
      sequence += 1;
    };
    return new Witness(sender, receiver, send);
  }

  #look(): void {
    const { received, feedback } = { received: this.receiver.received, feedback: this.sender.feedback };
    const now = performance.now();
    if (received.length !== this.#lastCount) this.#lastAtMs = now;
    this.#worstMs = Math.max(this.#worstMs, now - this.#lastAtMs);
    this.packets += received.length - this.#lastCount;
    // What has been counted is not kept.
    received.length = 0;
    feedback.length = 0;
    this.#lastCount = 0;
  }

  /** Why it is not well; undefined when it is. Begins anew. */
  complaint(): string | undefined {
    this.#look();
    const worst = this.#worstMs;
    this.#worstMs = 0;
    return worst > MAX_SILENCE_MS ? `another participant got no media for ${Math.round(worst)} ms` : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.sender[Symbol.asyncDispose]();
    await this.receiver[Symbol.asyncDispose]();
  }
}
