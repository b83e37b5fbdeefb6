import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { PublishVideoOptions } from '../../../coreservice/rtc/types.js';
import { eventually } from '../../support/eventually.js';
import { TcpWire } from '../../support/tcp_wire.js';
import { collectUnits, EncodedPictures, EncodedSource, Rooms, subscribeTo, type Place } from './support.js';

const CAMERA: PublishVideoOptions = {
  source: 'camera',
  name: 'camera',
  frameRate: 30,
  layers: [{ quality: 'high', width: 320, height: 180, bitrateKbps: 300 }],
};
/** An AddTrack is longer than all that is said beside it. */
const REQUEST_BYTES = 60;
/** Our server keeps the place of a client that is away for five seconds: behind that it is a new stay. */
const LONG_MS = 7000;

interface Row {
  title: string;
  /** What is on its way when the path breaks; undefined: the track is published while there is none. */
  loses: 'requests' | 'answers' | undefined;
  awayMs: number;
}

const ROWS: readonly Row[] = [
  { title: 'whose request was lost with the connection', loses: 'requests', awayMs: 1000 },
  { title: 'whose request the server has, and whose answer was lost', loses: 'answers', awayMs: 1000 },
  { title: 'that is asked for while there is no connection', loses: undefined, awayMs: 1000 },
  { title: 'whose answer was lost 7 s before the connection is back', loses: 'answers', awayMs: LONG_MS },
  { title: 'that is asked for 7 s before the connection is back', loses: undefined, awayMs: LONG_MS },
  { title: 'whose request was lost 12 s before the connection is back', loses: 'requests', awayMs: 12_000 },
];

/** Until what was asked for, or its answer, is on the way that loses it. */
async function whenLost(wire: TcpWire, what: 'requests' | 'answers'): Promise<void> {
  await eventually(() => {
    const { lost } = wire;
    const isThere = what === 'requests' ? lost.length >= REQUEST_BYTES : lost.includes('TR_');
    return isThere ? undefined : `${lost.length} bytes of ${what}`;
  });
}

/** The track comes into being, once, and its media arrives at somebody else. */
async function publishes(place: Place, pictures: EncodedPictures, { loses, awayMs }: Row): Promise<void> {
  await using server = await place.open();
  await using wire = await TcpWire.open(Number(new URL(server.url).port));
  await using rooms = new Rooms(wire.url, 'in-flight', place.connections);
  await using others = new Rooms(server.url, 'in-flight', place.connections);
  const receiver = await others.join('receiver');
  const sender = await rooms.join('sender', { reconnectLimitMs: 60_000 });
  const lost = once(sender, 'reconnecting', { signal: AbortSignal.timeout(20_000) });
  if (loses !== undefined) wire.lose(loses);
  const early = loses === undefined ? undefined : sender.publishVideo(CAMERA);
  if (loses !== undefined) await whenLost(wire, loses);
  await wire.cut();
  await lost;
  const published = early ?? sender.publishVideo(CAMERA);
  await delay(awayMs);
  const subscribed = subscribeTo(receiver, 'video', 30_000);
  await wire.mend();
  const track = await published;
  assert.notEqual(track.sid, '');
  using source = new EncodedSource();
  source.playPictures(track, [{ quality: 'high', pictures }]);
  const [unit] = await collectUnits(await subscribed, 10);
  assert.equal(unit?.keyFrame, true);
  const seen = [...(receiver.participants.get('sender')?.publications.values() ?? [])];
  assert.deepEqual(
    seen.map(({ sid }) => sid),
    [track.sid],
  );
  // It can be taken back, and another can follow.
  await sender.unpublish(track);
  await eventually(() => (receiver.participants.get('sender')?.publications.size === 0 ? undefined : 'still there'));
  const again = await sender.publishVideo(CAMERA);
  await eventually(() =>
    receiver.participants.get('sender')?.publications.has(again.sid) === true ? undefined : 'not there',
  );
}

/** Of a server, by one of its paths. */
export function publishInFlightRows(place: Place): void {
  describe(`a track at ${place.title}`, function () {
    this.timeout(60_000);
    let pictures: EncodedPictures;
    before(() => {
      pictures = new EncodedPictures(320, 180, 30);
    });
    for (const row of ROWS) it(`${row.title}, is published all the same`, () => publishes(place, pictures, row));
  });
}
