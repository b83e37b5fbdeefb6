import assert from 'node:assert/strict';
import { DownTrack } from '../../../channelserver/forward/down_track.js';
import { UpTrack } from '../../../channelserver/forward/up_track.js';
import type { UpLayer } from '../../../channelserver/forward/up_layer.js';
import { createLogger } from '../../../common/logger.js';
import { unixUsToNtp } from '../../../rtp/clock.js';
import { parseRtp } from '../../../rtp/packet.js';
import type { RtpPacket } from '../../../rtp/packet.js';
import { parseRtcp } from '../../../rtp/rtcp.js';

const logger = createLogger('test', 'silent');
const KEY = Buffer.from([0x10, 0x00, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00, 1]);
const DELTA = Buffer.from([0x10, 0x01, 0, 0, 0, 0]);

class Scene {
  readonly sent: RtpPacket[] = [];
  readonly control: Buffer[] = [];
  readonly asked: string[] = [];
  readonly up: UpTrack;
  readonly down: DownTrack;
  nowMs = performance.now();

  constructor(kind: 'audio' | 'video' = 'video', rids: string[] = []) {
    const codec =
      kind === 'video'
        ? ({ name: 'VP8', payloadType: 100, clockRate: 90_000, fmtp: '' } as const)
        : ({ name: 'opus', payloadType: 109, clockRate: 48_000, fmtp: '' } as const);
    this.up = new UpTrack({ codec, rids }, logger);
    this.up.onKeyFrameNeeded((layer) => this.asked.push(layer.rid));
    this.down = new DownTrack({
      source: this.up,
      streamId: 's',
      trackId: 't',
      ssrc: 77,
      send: (packet) => this.sent.push(parseRtp(packet) ?? assert.fail('no RTP')),
      sendRtcp: (packet) => this.control.push(packet),
    });
    this.up.attach(this.down);
  }

  layer(ssrc: number, rid = ''): UpLayer {
    return this.up.addLayer(ssrc, rid, this.nowMs) ?? assert.fail('no layer');
  }

  start(): void {
    this.down.accept(96);
    this.down.start();
  }

  receive(layer: UpLayer, sequence: number, payload: Buffer, timestamp = sequence * 3000): void {
    this.nowMs += 33;
    const packet: RtpPacket = {
      marker: true,
      payloadType: this.up.codec.payloadType,
      sequence: sequence & 0xffff,
      timestamp: timestamp >>> 0,
      ssrc: layer.ssrc,
      csrcs: [],
      extensions: new Map(),
      payload,
      paddingBytes: 0,
    };
    this.up.receive(layer, packet, this.nowMs);
  }
}

describe("A subscriber's copy of a track", () => {
  it('sends nothing before the client has answered, then from a key frame on, with its own SSRC and payload type', () => {
    const scene = new Scene();
    const layer = scene.layer(1);
    scene.receive(layer, 10, KEY);
    assert.equal(scene.sent.length, 0);
    scene.start();
    assert.deepEqual(scene.asked, [''], 'a key frame is asked for at once');
    scene.receive(layer, 11, DELTA);
    assert.equal(scene.sent.length, 0);
    scene.receive(layer, 12, KEY);
    scene.receive(layer, 13, DELTA);
    assert.deepEqual(
      scene.sent.map(({ ssrc, payloadType }) => [ssrc, payloadType]),
      [
        [77, 96],
        [77, 96],
      ],
    );
    const [first, second] = scene.sent;
    assert.equal(second?.sequence, ((first?.sequence ?? 0) + 1) & 0xffff);
    assert.equal(second.timestamp, ((first?.timestamp ?? 0) + 3000) >>> 0);
  });

  it('sends sound at once', () => {
    const scene = new Scene('audio');
    const layer = scene.layer(1);
    scene.start();
    scene.receive(layer, 5, Buffer.from([1, 2, 3]));
    assert.equal(scene.sent.length, 1);
    assert.deepEqual(scene.sent[0]?.payload, Buffer.from([1, 2, 3]));
  });

  it('leaves out padding and closes up the numbers', () => {
    const scene = new Scene();
    const layer = scene.layer(1);
    scene.start();
    scene.receive(layer, 1, KEY);
    scene.receive(layer, 2, Buffer.alloc(0));
    scene.receive(layer, 3, Buffer.alloc(0));
    scene.receive(layer, 4, DELTA);
    const numbers = scene.sent.map(({ sequence }) => sequence);
    assert.equal(numbers.length, 2);
    assert.equal(numbers[1], ((numbers[0] ?? 0) + 1) & 0xffff);
  });

  it('changes to another layer at its key frame only, and goes on with numbers and time', () => {
    const scene = new Scene('video', ['q', 'f']);
    const low = scene.layer(1, 'q');
    const high = scene.layer(2, 'f');
    scene.start();
    scene.receive(low, 100, KEY, 5000);
    scene.receive(high, 7, DELTA, 900_000);
    scene.down.review(scene.nowMs);
    assert.equal(scene.down.currentRid, 'q', 'the lower one comes while the higher one has no key frame');
    scene.receive(low, 101, DELTA, 8000);
    scene.receive(high, 8, KEY, 903_000);
    assert.equal(scene.down.currentRid, 'f');
    scene.receive(low, 102, DELTA, 11_000);
    scene.receive(high, 9, DELTA, 906_000);
    const sequences = scene.sent.map(({ sequence }) => sequence);
    assert.equal(sequences.length, 4);
    sequences.forEach((sequence, index) => assert.equal(sequence, ((sequences[0] ?? 0) + index) & 0xffff));
    const times = scene.sent.map(({ timestamp }) => timestamp);
    assert.ok(times.every((time, index) => index === 0 || ((time - (times[index - 1] ?? 0)) | 0) > 0));
    scene.down.setWanted({ quality: 0, width: 0, height: 0 });
    scene.receive(low, 103, KEY, 14_000);
    assert.equal(scene.down.currentRid, 'q');
  });

  it('does not begin with the start of a key frame that came late: the numbers behind it would stay missing', () => {
    for (const rids of [[], ['q', 'f']]) {
      const scene = new Scene('video', rids);
      const layers = rids.length === 0 ? [scene.layer(1)] : rids.map((rid, index) => scene.layer(1 + index, rid));
      const [low, high = low] = layers;
      assert.ok(low !== undefined && high !== undefined);
      scene.start();
      // The start, 65535, is lost at first; what is behind it has come and cannot be shown.
      for (const sequence of [65_534, 65_536, 65_537]) scene.receive(high, sequence, DELTA);
      if (low !== high) scene.receive(low, 100, KEY);
      const before = scene.sent.length;
      scene.asked.length = 0;
      scene.nowMs += 300;
      scene.receive(high, 65_535, KEY);
      scene.receive(high, 65_538, DELTA);
      assert.equal(scene.sent.length, before);
      assert.deepEqual(scene.asked, [high.rid], 'another key frame is asked for');
      scene.receive(high, 65_539, KEY);
      scene.receive(high, 65_540, DELTA);
      assert.equal(scene.down.currentRid, high.rid);
      const sequences = scene.sent.map(({ sequence }) => sequence);
      assert.equal(sequences.length, before + 2);
      sequences.forEach((sequence, index) => assert.equal(sequence, ((sequences[0] ?? 0) + index) & 0xffff));
    }
  });

  it('begins with the key frame of a sender that counts anew', () => {
    const scene = new Scene();
    const layer = scene.layer(1);
    scene.start();
    scene.receive(layer, 30_000, DELTA);
    scene.receive(layer, 10, KEY);
    scene.receive(layer, 11, DELTA);
    assert.equal(scene.sent.length, 2);
  });

  it('follows a sender that begins anew with another SSRC, at its key frame', () => {
    const scene = new Scene();
    const before = scene.layer(1);
    scene.start();
    scene.receive(before, 1, KEY);
    const after = scene.layer(2);
    scene.receive(after, 500, DELTA);
    scene.receive(after, 501, KEY);
    scene.receive(after, 502, DELTA);
    const sequences = scene.sent.map(({ sequence }) => sequence);
    assert.deepEqual(
      sequences,
      [0, 1, 2].map((index) => ((sequences[0] ?? 0) + index) & 0xffff),
    );
  });

  it('is silent while muted or paused, and begins anew with a key frame', () => {
    for (const set of [
      (scene: Scene, on: boolean) => (scene.up.muted = on),
      (scene: Scene, on: boolean) => scene.down.setPaused(on),
    ]) {
      const scene = new Scene();
      const layer = scene.layer(1);
      scene.start();
      scene.receive(layer, 1, KEY);
      set(scene, true);
      scene.receive(layer, 2, DELTA);
      set(scene, false);
      scene.receive(layer, 3, DELTA);
      assert.equal(scene.sent.length, 1);
      scene.receive(layer, 4, KEY);
      assert.equal(scene.sent.length, 2);
      assert.equal(scene.sent[1]?.sequence, ((scene.sent[0]?.sequence ?? 0) + 1) & 0xffff);
    }
  });

  it('sends again what is asked for, and nothing that it never sent', () => {
    const scene = new Scene();
    const layer = scene.layer(1);
    scene.start();
    scene.receive(layer, 1, KEY);
    scene.receive(layer, 2, DELTA);
    const [first] = scene.sent;
    const sequences = [first?.sequence ?? 0, ((first?.sequence ?? 0) + 1000) & 0xffff];
    scene.down.feedback({ kind: 'nack', senderSsrc: 1, mediaSsrc: 77, sequences });
    assert.equal(scene.sent.length, 3);
    assert.deepEqual(scene.sent[2], first);
    assert.equal(scene.down.retransmitted, 1);
  });

  it('asks the publisher for a key frame at most once in 300 ms', () => {
    const scene = new Scene();
    const layer = scene.layer(1);
    scene.start();
    scene.receive(layer, 1, KEY);
    for (let i = 0; i < 10; i++) scene.down.feedback({ kind: 'pli', senderSsrc: 1, mediaSsrc: 77 });
    assert.equal(scene.asked.length, 1);
  });

  it("passes the publisher's clock on with its own RTP time", () => {
    const scene = new Scene();
    const layer = scene.layer(1);
    scene.start();
    scene.receive(layer, 1, KEY, 3000);
    const ntp = unixUsToNtp(1_700_000_000_000_000);
    scene.up.onSenderReport(layer, ntp, 6000, scene.nowMs);
    const [report, description] = parseRtcp(scene.control[0] ?? Buffer.alloc(0));
    assert.equal(report?.kind, 'sender_report');
    assert.equal(report.ssrc, 77);
    assert.deepEqual(report.ntp, ntp);
    assert.equal(report.rtpTimestamp, ((scene.sent[0]?.timestamp ?? 0) + 3000) >>> 0);
    assert.equal(report.packetCount, 1);
    assert.equal(description?.kind, 'sdes');
  });

  it('ends with its track', () => {
    const scene = new Scene();
    const layer = scene.layer(1);
    scene.start();
    scene.down.close();
    scene.receive(layer, 1, KEY);
    assert.equal(scene.sent.length, 0);
  });
});
