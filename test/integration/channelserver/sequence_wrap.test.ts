import assert from 'node:assert/strict';
import { parseRtp, serializeRtp } from '../../../rtp/packet.js';
import { eventually } from '../../support/eventually.js';
import { RawPeer } from './raw_peer.js';
import { RunningServer, tokenFor } from './running_server.js';

/** NAL unit types 5 and 1 (RFC 6184 section 5.2): a key frame's slice, another picture's. */
const KEY_SLICE = 0x65;
const SLICE = 0x41;

/** A stream whose packet n has the sequence number `first + n` and says n in its payload. */
class Scene implements AsyncDisposable {
  private constructor(
    readonly sender: RawPeer,
    readonly receiver: RawPeer,
    readonly first: number,
    private readonly track: Awaited<ReturnType<RawPeer['publish']>>,
  ) {}

  static async start(server: RunningServer, room: string, first: number): Promise<Scene> {
    const join = async (identity: string): Promise<RawPeer> => RawPeer.join(server.url, await tokenFor(room, identity));
    const [sender, receiver] = await Promise.all([join('sender'), join('receiver')]);
    try {
      const scene = new Scene(sender, receiver, first, await sender.publish(77));
      await receiver.receives();
      scene.send(0);
      return scene;
    } catch (error) {
      await Promise.all([sender[Symbol.asyncDispose](), receiver[Symbol.asyncDispose]()]);
      throw error;
    }
  }

  send(n: number): void {
    const payload = Buffer.from([n === 0 ? KEY_SLICE : SLICE, 0x80, n >> 8, n & 0xff]);
    const sequence = (this.first + n) & 0xffff;
    const { payloadType } = this.track;
    this.track.send(serializeRtp({ marker: true, payloadType, sequence, timestamp: n * 3000, ssrc: 77, payload }));
  }

  sendRange(from: number, to: number, leaveOut: (n: number) => boolean = () => false): void {
    for (let n = from; n < to; n++) if (!leaveOut(n)) this.send(n);
  }

  /** The numbers that came, each once, ascending. */
  numbers(): number[] {
    const payloads = this.receiver.received.map((packet) => parseRtp(packet)?.payload ?? assert.fail('no RTP'));
    return [...new Set(payloads.map((payload) => payload.readUInt16BE(2)))].sort((a, b) => a - b);
  }

  received(n: number): Promise<void> {
    return eventually(() => (this.numbers().includes(n) ? undefined : `${n} has not come`));
  }

  /** All that the server asked for, as n. */
  asked(): Set<number> {
    const nacks = this.sender.feedback.flatMap((message) => (message.kind === 'nack' ? message.sequences : []));
    return new Set(nacks.map((sequence) => (sequence - this.first) & 0xffff));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sender[Symbol.asyncDispose]();
    await this.receiver[Symbol.asyncDispose]();
  }
}

const until = (end: number): number[] => Array.from({ length: end }, (_, n) => n);

describe('A stream whose sequence numbers wrap', function () {
  this.timeout(30_000);
  let server: RunningServer;
  before(async () => (server = await RunningServer.start()));
  after(() => server[Symbol.asyncDispose]());

  it('is whole when packets from before the wrap come again behind it, asked for and not', async () => {
    await using scene = await Scene.start(server, 'repeats', 65_500);
    const lost = [30, 34, 35, 36];
    scene.sendRange(1, 130, (n) => lost.includes(n));
    await scene.received(129);
    await eventually(() => (lost.every((n) => scene.asked().has(n)) ? undefined : 'the lost ones are not asked for'));
    for (const n of [...lost, 5, 20]) scene.send(n);
    // The repeats were the last to come; what follows has its first packets lost.
    scene.sendRange(140, 200);
    await scene.received(199);
    await eventually(() => (scene.asked().has(130) ? undefined : '130 is not asked for'));
    scene.sendRange(130, 140);
    await scene.received(139);
    assert.deepEqual(scene.numbers(), until(200));
  });

  it('goes on when everything around the wrap is lost', async () => {
    await using scene = await Scene.start(server, 'losses', 65_300);
    scene.sendRange(1, 100);
    await scene.received(99);
    scene.sendRange(400, 460);
    await scene.received(459);
    assert.deepEqual(scene.numbers(), [...until(100), ...until(60).map((n) => 400 + n)]);
  });
});
