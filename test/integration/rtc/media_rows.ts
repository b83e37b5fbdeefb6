import assert from 'node:assert/strict';
import type { EncodedUnit, LocalVideoTrack } from '../../../coreservice/rtc/types.js';
import { splitAnnexB } from '../../../rtp/h264.js';
import { eventually } from '../../support/eventually.js';
import {
  collectUnits,
  EncodedPictures,
  EncodedSource,
  lossyTransports,
  nextEvent,
  Rooms,
  subscribeTo,
  type Place,
} from './support.js';

const LARGE = { quality: 'high', width: 640, height: 360, bitrateKbps: 800 } as const;
const SMALL = { quality: 'low', width: 320, height: 180, bitrateKbps: 200 } as const;

/** Access units by their content, to be found again at the other end. */
function indexOf(pictures: EncodedPictures): Map<string, number> {
  return new Map(pictures.units.map((unit, i) => [contentOf(unit.data), i]));
}

/** Start codes of three or four bytes mean the same. */
function contentOf(data: Buffer): string {
  return splitAnnexB(data)
    .map((nal) => nal.toString('latin1'))
    .join('|');
}

/** The table of tests. */
export function mediaRows(place: Place): void {
  describe(`media between two rooms, by ${place.title}`, function () {
    this.timeout(60_000);
    let server: Awaited<ReturnType<Place['open']>>;
    let large: EncodedPictures;
    let small: EncodedPictures;
    before(async () => {
      server = await place.open();
      large = new EncodedPictures(640, 360, 30);
      small = new EncodedPictures(320, 180, 15);
    });
    after(() => server[Symbol.asyncDispose]());

    /** A room that sends until the block ends. */
    async function publisher(
      rooms: Rooms,
      layers: ('high' | 'low')[],
    ): Promise<{ track: LocalVideoTrack } & Disposable> {
      const room = await rooms.join('sender');
      const track = await room.publishVideo({
        source: 'camera',
        name: 'camera',
        frameRate: 30,
        layers: layers.map((quality) => (quality === 'high' ? LARGE : SMALL)),
      });
      const source = new EncodedSource();
      source.playPictures(
        track,
        layers.map((quality) => ({ quality, pictures: quality === 'high' ? large : small })),
      );
      return { track, [Symbol.dispose]: () => source.stop() };
    }

    it('carries access units bit by bit, in order, with the time at which they were taken', async () => {
      await using rooms = new Rooms(server.url, 'bit-exact', place.connections);
      const receiver = await rooms.join('receiver');
      const subscribed = subscribeTo(receiver, 'video');
      using sender = await publisher(rooms, ['high']);
      const units = await collectUnits(await subscribed, 90);
      assert.equal(units[0]?.keyFrame, true);
      assert.deepEqual([units[0].width, units[0].height], [640, 360]);
      const known = indexOf(large);
      const numbers = units.map((unit) => known.get(contentOf(unit.data)));
      assert.ok(!numbers.includes(undefined), 'a unit was not sent like that');
      const steps = numbers.slice(1).map((number, i) => ((number ?? 0) - (numbers[i] ?? 0) + 60) % 60);
      // A request for a key frame may jump once in the beginning.
      assert.ok(
        steps.slice(30).every((step) => step === 1),
        `order: ${numbers.join(' ')}`,
      );
      const ages = units.slice(60).map((unit) => Date.now() * 1000 - unit.captureTimeUs);
      assert.ok(
        ages.every((age) => age > -50_000 && age < 2_000_000),
        `capture times: ${ages.join(' ')}`,
      );
      assert.ok(sender.track.stats().packets > 90);
    });

    it('carries sound packets with steady RTP times', async () => {
      await using rooms = new Rooms(server.url, 'sound', place.connections);
      const receiver = await rooms.join('receiver');
      const subscribed = subscribeTo(receiver, 'audio');
      const sender = await rooms.join('sender');
      const track = await sender.publishAudio({ name: 'mic', stereo: false });
      using source = new EncodedSource();
      source.playTone(track, 440);
      const remote = await subscribed;
      const packets: { sequence: number; timestamp: number }[] = [];
      remote.on('packet', (packet) => packets.push(packet));
      await eventually(() => (packets.length >= 60 ? undefined : `${packets.length} packets`));
      source.stop();
      const first = packets[0];
      assert.ok(first !== undefined);
      for (const { sequence, timestamp } of packets)
        assert.equal(timestamp - first.timestamp, (sequence - first.sequence) * 960);
    });

    it('carries more tracks than there was room for in the first offer', async () => {
      await using rooms = new Rooms(server.url, 'many', place.connections);
      const receiver = await rooms.join('receiver');
      const heard = new Map<string, number>();
      receiver.on('track_published', (_participant, { sid }) => receiver.subscribe(sid));
      receiver.on('track_subscribed', (_participant, { sid }, track) => {
        if (track.kind === 'audio') track.on('packet', () => heard.set(sid, (heard.get(sid) ?? 0) + 1));
      });
      const sender = await rooms.join('sender');
      using source = new EncodedSource();
      const sids: string[] = [];
      for (let number = 0; number < 6; number++) {
        const track = await sender.publishAudio({ name: `mic ${number}`, stereo: false });
        source.playTone(track, 440);
        sids.push(track.sid);
      }
      await eventually(() => {
        const silent = sids.filter((sid) => (heard.get(sid) ?? 0) < 20);
        return silent.length === 0 ? undefined : `${silent.length} of 6 not heard`;
      });
    });

    it('loses nothing when three of a hundred packets are lost on the way', async () => {
      await using rooms = new Rooms(server.url, 'loss', place.connections);
      const transports = lossyTransports(0.03, 4711);
      const receiver = await rooms.join('receiver', { transports });
      const subscribed = subscribeTo(receiver, 'video');
      using _sender = await publisher(rooms, ['high']);
      const remote = await subscribed;
      const units = await collectUnits(remote, 150);
      assert.ok(transports.lost > 10, `only ${transports.lost} lost`);
      assert.deepEqual(
        units.slice(1).filter((unit) => unit.afterLoss),
        [],
      );
      const known = indexOf(large);
      assert.ok(units.every((unit) => known.has(contentOf(unit.data))));
      assert.ok(remote.stats().recovered > 5, JSON.stringify(remote.stats()));
    });

    it('switches between simulcast layers on request, each switch with a key frame', async () => {
      await using rooms = new Rooms(server.url, 'simulcast', place.connections);
      const receiver = await rooms.join('receiver');
      const subscribed = subscribeTo(receiver, 'video');
      using _sender = await publisher(rooms, ['high', 'low']);
      const remote = await subscribed;
      const ofWidth = (width: number) => (unit: EncodedUnit) => unit.width === width;
      for (const [quality, width] of [
        ['high', 640],
        ['low', 320],
        ['high', 640],
      ] as const) {
        const units = collectUnits(remote, 20, ofWidth(width));
        receiver.setVideoQuality(remote.sid, quality);
        const [first] = await units;
        assert.equal(first?.keyFrame, true, `the switch to ${quality} begins with no key frame`);
      }
    });

    it('stops and resumes with the subscription', async () => {
      await using rooms = new Rooms(server.url, 'resubscribe', place.connections);
      const receiver = await rooms.join('receiver');
      const subscribed = subscribeTo(receiver, 'video');
      using sender = await publisher(rooms, ['high']);
      const first = await subscribed;
      await collectUnits(first, 5);
      const unsubscribed = nextEvent(receiver, 'track_unsubscribed');
      receiver.unsubscribe(sender.track.sid);
      const [, publication] = await unsubscribed;
      assert.equal(publication.track, undefined);
      for (let round = 0; round < 3; round++) {
        const again = nextEvent(receiver, 'track_subscribed');
        receiver.subscribe(sender.track.sid);
        const [, , remote] = await again;
        assert.ok(remote.kind === 'video' && remote !== first);
        const [unit] = await collectUnits(remote, 5);
        assert.equal(unit?.keyFrame, true);
        const gone = nextEvent(receiver, 'track_unsubscribed');
        receiver.unsubscribe(sender.track.sid);
        await gone;
      }
    });

    it('publishes again after unpublishing, and the end of a track is told', async () => {
      await using rooms = new Rooms(server.url, 'republish', place.connections);
      const receiver = await rooms.join('receiver');
      const sender = await rooms.join('sender');
      for (let round = 0; round < 3; round++) {
        const subscribed = subscribeTo(receiver, 'video');
        const track = await sender.publishVideo({ source: 'screen', name: 'screen', frameRate: 30, layers: [LARGE] });
        using source = new EncodedSource();
        source.playPictures(track, [{ quality: 'high', pictures: large }]);
        const remote = await subscribed;
        await collectUnits(remote, 5);
        const ended = new Promise<void>((resolve) => remote.once('ended', resolve));
        const unpublished = nextEvent(receiver, 'track_unpublished');
        source.stop();
        await sender.unpublish(track);
        await ended;
        assert.equal((await unpublished)[1].source, 'screen');
      }
    });
  });
}
