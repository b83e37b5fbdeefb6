import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { DownTrack } from '../../../channelserver/forward/down_track.js';
import { UpTrack } from '../../../channelserver/forward/up_track.js';
import { UplinkRouter } from '../../../channelserver/forward/uplink_router.js';
import { createLogger } from '../../../common/logger.js';
import { IncomingTracks } from '../../../coreservice/rtc/receive/incoming_tracks.js';
import type { ReceivedCodec, ReceivedSection } from '../../../coreservice/rtc/sdp/received_sections.js';
import { parseRtp, serializeRtp } from '../../../rtp/packet.js';
import { parseRtcp } from '../../../rtp/rtcp.js';
import { MID_URI, RID_URI, TRANSPORT_CC_URI } from '../../../webrtc/sdp/description.js';
import type { MediaTransport } from '../../../webrtc/media_transport.js';
import { corpus } from '../support/corpus.js';
import { mutate } from '../support/mutate.js';
import type { Property } from '../support/property.js';
import type { Random } from '../support/random.js';
import { hostileStream } from './rtp_buffers.js';

const logger = createLogger('fuzz', 'silent');
const CODECS = {
  h264: { name: 'H264', payloadType: 96, clockRate: 90_000, fmtp: '' },
  vp8: { name: 'VP8', payloadType: 96, clockRate: 90_000, fmtp: '' },
} as const;

/** What a peer with valid keys sends: a stream with faults in its fields, its bytes, and its header extensions. */
function* datagrams(random: Random, codec: 'h264' | 'vp8'): Generator<Buffer> {
  let transport = random.below(65_536);
  for (const packet of hostileStream(random, codec, 20)) {
    const extensions = new Map<number, Buffer>();
    const number = Buffer.alloc(2);
    number.writeUInt16BE((transport = (transport + (random.chance(0.95) ? 1 : random.below(65_536))) & 0xffff));
    extensions.set(3, number);
    if (random.chance(0.3)) extensions.set(1, Buffer.from(random.pick(['0', '1', '2', '\0'])));
    if (random.chance(0.3)) extensions.set(2, Buffer.from(random.pick(['q', 'h', 'f', 'x'])));
    const bytes = serializeRtp({ ...packet, extensions });
    yield random.chance(0.2) ? mutate(random, bytes) : bytes;
  }
}

function control(random: Random): Buffer {
  const real = corpus('rtcp');
  return random.chance(0.3) ? random.pick(real) : mutate(random, random.pick(real), real);
}

export const FORWARD_PROPERTIES: readonly Property[] = [
  {
    name: 'the_server_forwards_or_drops_what_a_publisher_sends',
    run: (random) => {
      const codec = random.pick(['h264', 'vp8'] as const);
      let nowMs = 10_000;
      const router = new UplinkRouter(
        (packet) => assert.ok(parseRtcp(packet).length > 0),
        logger,
        () => nowMs,
      );
      router.setExtensions([
        { id: 1, uri: MID_URI },
        { id: 2, uri: RID_URI },
        { id: 3, uri: TRANSPORT_CC_URI },
      ]);
      const tracks = [
        new UpTrack({ codec: CODECS[codec], rids: [] }, logger),
        new UpTrack({ codec: CODECS[codec], rids: ['q', 'h', 'f'] }, logger),
      ];
      tracks.forEach((track, index) => router.addTrack(String(index), track, index === 0 ? [1] : []));
      const downs = tracks.map((source, index) => {
        const send = (packet: Buffer): void => {
          const parsed = parseRtp(packet);
          assert.ok(parsed !== undefined && parsed.ssrc === 70 + index && parsed.payloadType === 100);
        };
        const sendRtcp = (packet: Buffer): void => assert.ok(parseRtcp(packet).length > 0);
        const down = new DownTrack({ source, streamId: 's', trackId: 't', ssrc: 70 + index, send, sendRtcp });
        source.attach(down);
        down.accept(100);
        down.start();
        return down;
      });
      for (const datagram of datagrams(random, codec)) {
        nowMs += random.pick([0, 1, 10, 400]);
        router.receive(datagram);
        if (random.chance(0.1)) router.receiveRtcp(control(random));
        if (random.chance(0.1))
          for (const message of parseRtcp(control(random)))
            for (const down of downs) if (message.kind === 'nack' || message.kind === 'pli') down.feedback(message);
      }
      router.close();
      for (const down of downs) down.close();
      for (const track of tracks) track.close();
    },
  },
  {
    name: 'the_core_takes_what_the_server_sends',
    run: (random) => {
      const codec = random.pick(['h264', 'vp8'] as const);
      let nowMs = 10_000;
      const transport = Object.assign(new EventEmitter(), {
        sendRtcp: (packet: Buffer): void => assert.ok(parseRtcp(packet).length > 0),
      });
      const incoming = new IncomingTracks(transport as unknown as MediaTransport, 'cname', () => nowMs);
      incoming.on('added', (track) => {
        if (track.kind === 'video') track.on('unit', (unit) => assert.ok(unit.data.length > 0));
        else track.on('packet', (packet) => assert.ok(packet.payload.length >= 0));
      });
      incoming.onSections([section(1, 'video', codec), section(2, 'audio', 'opus')]);
      for (const datagram of datagrams(random, codec)) {
        nowMs += random.pick([0, 1, 10, 400]);
        const bytes = Buffer.from(datagram);
        if (random.chance(0.3)) bytes[1] = 111;
        transport.emit('rtp', bytes);
        if (random.chance(0.1)) transport.emit('rtcp', control(random));
        if (random.chance(0.05)) incoming.sendReports();
      }
      incoming.close();
    },
  },
];

function section(ssrc: number, kind: 'audio' | 'video', codec: ReceivedCodec): ReceivedSection {
  return {
    mid: String(ssrc),
    kind,
    trackSid: `TR_${ssrc}`,
    ssrcs: [ssrc],
    codecs: new Map([[kind === 'video' ? 96 : 111, codec]]),
    nack: true,
    transportCcId: 3,
    midId: 1,
  };
}
