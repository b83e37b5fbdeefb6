import { protoInt64 } from '@livekit/protocol';
import { serializeRtp } from '../../../rtp/packet.js';
import { RawPeer } from '../../integration/channelserver/raw_peer.js';
import { tokenFor } from '../../integration/channelserver/running_server.js';

const SSRC = 77;
const INTERVAL_MS = 40;
const PING_INTERVAL_MS = 4000;
/** More packets in a row that do not arrive (ten seconds), and others in the room notice what one of them does. Counted in packets, as this process may be short of time itself. */
const MAX_LOST = 250;

/** Two well-behaved participants in the room: one sends pictures all the time, the other has to get them all the time. */
export class Witness implements AsyncDisposable {
  #pingedAtMs = performance.now();
  #lost = 0;
  #worst = 0;
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
    const { received } = this.receiver;
    const now = performance.now();
    this.#lost = received.length > 0 ? 0 : this.#lost + 1;
    this.#worst = Math.max(this.#worst, this.#lost);
    this.packets += received.length;
    // What has been counted is not kept.
    received.length = 0;
    this.sender.feedback.length = 0;
    if (now - this.#pingedAtMs < PING_INTERVAL_MS) return;
    this.#pingedAtMs = now;
    // Clients that say nothing are removed.
    for (const { signal } of [this.sender, this.receiver]) signal.send({ case: 'ping', value: protoInt64.parse(1) });
  }

  /** Why it is not well; undefined when it is. Begins anew. */
  complaint(): string | undefined {
    const worst = this.#worst;
    this.#worst = 0;
    return worst > MAX_LOST ? `${worst} packets in a row did not get to another participant` : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.sender[Symbol.asyncDispose]();
    await this.receiver[Symbol.asyncDispose]();
  }
}
