import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { MID_URI, RID_URI, TRANSPORT_CC_URI } from '../../../webrtc/sdp/description.js';
import { UpTrack } from '../../../channelserver/forward/up_track.js';
import { UplinkRouter } from '../../../channelserver/forward/uplink_router.js';
import { createLogger } from '../../../common/logger.js';
import { unixUsToNtp } from '../../../rtp/clock.js';
import { serializeRtp } from '../../../rtp/packet.js';
import { parseRtcp, serializeRtcp } from '../../../rtp/rtcp.js';
import type { RtcpMessage } from '../../../rtp/rtcp.js';

const logger = createLogger('test', 'silent');
const VP8 = { name: 'VP8', payloadType: 96, clockRate: 90_000, fmtp: '' } as const;
const OPUS = { name: 'opus', payloadType: 111, clockRate: 48_000, fmtp: '' } as const;

describe('What a publisher sends', () => {
  let nowMs: number;
  let told: RtcpMessage[];
  let router: UplinkRouter;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    nowMs = 10_000;
    told = [];
    router = new UplinkRouter(
      (packet) => told.push(...parseRtcp(packet)),
      logger,
      () => nowMs,
    );
    router.setExtensions([
      { id: 1, uri: MID_URI },
      { id: 2, uri: RID_URI },
      { id: 3, uri: TRANSPORT_CC_URI },
    ]);
  });
  afterEach(() => {
    router.close();
    mock.timers.reset();
  });

  const pass = (ms: number): void => {
    for (let i = 0; i < ms; i++) {
      nowMs += 1;
      mock.timers.tick(1);
    }
  };
  const send = (
    ssrc: number,
    sequence: number,
    options: { mid?: string; rid?: string; transport?: number; payloadType?: number } = {},
  ): void => {
    const extensions = new Map<number, Buffer>();
    if (options.mid !== undefined) extensions.set(1, Buffer.from(options.mid));
    if (options.rid !== undefined) extensions.set(2, Buffer.from(options.rid));
    if (options.transport !== undefined) {
      const value = Buffer.alloc(2);
      value.writeUInt16BE(options.transport);
      extensions.set(3, value);
    }
    const { payloadType = 96 } = options;
    const fields = { marker: true, payloadType, sequence, timestamp: sequence * 3000, ssrc, payload: Buffer.from([1]) };
    router.receive(serializeRtp({ ...fields, extensions }));
  };
  const of = <K extends RtcpMessage['kind']>(kind: K): Extract<RtcpMessage, { kind: K }>[] =>
    told.filter((message): message is Extract<RtcpMessage, { kind: K }> => message.kind === kind);

  it('finds its track by the SSRC of the description, by MID, and by a payload type that only one track has', () => {
    const tracks = {
      video: new UpTrack({ codec: VP8, rids: [] }, logger),
      audio: new UpTrack({ codec: OPUS, rids: [] }, logger),
    };
    router.addTrack('5', tracks.video, [100]);
    router.addTrack('6', tracks.audio, []);
    send(100, 1);
    send(200, 1, { payloadType: 111 });
    assert.equal(tracks.video.layers[0]?.ssrc, 100);
    assert.equal(tracks.audio.layers[0]?.ssrc, 200);
    send(300, 1, { mid: '5' });
    assert.equal(tracks.video.layers[0].ssrc, 300, 'a sender that began anew');
    send(400, 1, { mid: 'nobody' });
    assert.equal(tracks.video.layers[0].ssrc, 300);
  });

  it('is put to its layer by RID', () => {
    const track = new UpTrack({ codec: VP8, rids: ['f', 'q'] }, logger);
    router.addTrack('5', track, []);
    send(1, 1, { mid: '5', rid: 'f' });
    send(2, 1, { mid: '5', rid: 'q' });
    send(3, 1, { mid: '5', rid: 'x' });
    assert.deepEqual(
      track.layers.map((layer) => [layer?.rid, layer?.ssrc]),
      [
        ['q', 2],
        ['f', 1],
      ],
    );
  });

  it('is asked for again when pictures miss packets, and not when sound does', () => {
    router.addTrack('5', new UpTrack({ codec: VP8, rids: [] }, logger), [1]);
    router.addTrack('6', new UpTrack({ codec: OPUS, rids: [] }, logger), [2]);
    send(1, 65_534);
    send(1, 1);
    send(2, 10, { payloadType: 111 });
    send(2, 14, { payloadType: 111 });
    pass(15);
    assert.deepEqual(
      of('nack').map(({ mediaSsrc, sequences }) => [mediaSsrc, sequences]),
      [[1, [65_535, 0]]],
    );
    send(1, 65_535);
    send(1, 0);
    pass(500);
    assert.equal(of('nack').length, 1);
  });

  it('is told when its packets arrived', () => {
    router.addTrack('5', new UpTrack({ codec: VP8, rids: [] }, logger), [1]);
    send(1, 1, { transport: 7 });
    pass(5);
    send(1, 2, { transport: 9 });
    pass(60);
    const [feedback] = of('transport_cc');
    assert.equal(feedback?.baseSequence, 7);
    assert.deepEqual(feedback.deltas250Us.slice(1), [undefined, 20]);
  });

  it('is reported on once a second, with the time of its last sender report', () => {
    router.addTrack('5', new UpTrack({ codec: VP8, rids: [] }, logger), [1]);
    send(1, 1);
    router.receiveRtcp(
      serializeRtcp([
        {
          kind: 'sender_report',
          ssrc: 1,
          ntp: unixUsToNtp(1_700_000_000_000_000),
          rtpTimestamp: 3000,
          packetCount: 1,
          octetCount: 1,
          reports: [],
        },
      ]),
    );
    for (let sequence = 3; sequence < 40; sequence++) {
      pass(50);
      send(1, sequence);
    }
    const reports = of('receiver_report');
    assert.equal(reports.length, 2);
    const last = reports.at(-1)?.reports[0];
    assert.equal(last?.ssrc, 1);
    assert.notEqual(last.lastSenderReport, 0);
    assert.equal(last.cumulativeLost, 1);
  });

  it('gets PLIs for the SSRC of the layer', () => {
    const track = new UpTrack({ codec: VP8, rids: [] }, logger);
    router.addTrack('5', track, [1]);
    send(1, 1);
    const [layer] = track.layers;
    assert.ok(layer !== undefined);
    track.needKeyFrame(layer, nowMs);
    track.needKeyFrame(layer, nowMs + 100);
    track.needKeyFrame(layer, nowMs + 301);
    assert.deepEqual(
      of('pli').map(({ mediaSsrc }) => mediaSsrc),
      [1, 1],
    );
  });

  it('leaves no timer when nothing comes any more', () => {
    router.addTrack('5', new UpTrack({ codec: VP8, rids: [] }, logger), [1]);
    send(1, 1, { transport: 1 });
    pass(5000);
    const before = told.length;
    pass(20_000);
    assert.equal(told.length, before);
  });

  it('is ignored when it is no RTP, or of a payload type that was not agreed on', () => {
    const track = new UpTrack({ codec: VP8, rids: [] }, logger);
    router.addTrack('5', track, [1]);
    router.receive(Buffer.alloc(3));
    router.receive(Buffer.alloc(20, 0xff));
    router.receiveRtcp(Buffer.alloc(50, 0xff));
    send(1, 1, { payloadType: 100 });
    assert.equal(track.layers[0]?.stats.packets ?? 0, 0);
  });
});
