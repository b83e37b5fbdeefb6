import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PictureLane, PictureLaneReport } from '../../../coreservice/ipc/extension.js';
import { saidToLane } from '../../support/lane_peer.js';
import { Feed } from './feed.js';
import { LaneClient, type LanePicture } from './lane_client.js';
import { ChannelServerUnderTest, HostedCore, joinAs } from './support.js';

const [WIDTH, HEIGHT, RATE] = [320, 240, 15];

/** Every picture has its number, they grow, and nothing but what is told is missing. */
function assertPictures(pictures: readonly LanePicture[]): void {
  let sequence = 0;
  let last = -1;
  for (const { message, number } of pictures) {
    const { header, uid, track, width, height } = message;
    assert.deepEqual([uid, track, width, height], ['alice', 1, WIDTH, HEIGHT]);
    assert.equal(header?.sequence, sequence + 1 + (header?.droppedBefore ?? 0));
    assert.equal(header?.discontinuity, false);
    assert.ok(Math.abs(header.captureTimeUs / 1000 - Date.now()) < 120_000, 'the capture time is no time of now');
    assert.ok(number !== undefined && number > last, `picture ${number} after ${last}`);
    sequence = header.sequence;
    last = number;
  }
}

describe('picture lanes of a core service', () => {
  let server: ChannelServerUnderTest;
  let sender: HostedCore;
  let feed: Feed;
  let watcher: HostedCore;
  let folder: string;
  let socketPath: string;
  let nextId = 1;

  function newLane(): PictureLane & { bytes: Buffer } {
    const bytes = randomBytes(32);
    return { id: nextId++, secret: bytes.toString('hex'), uids: ['alice'], tracks: [], bytes };
  }

  async function lanes(...list: PictureLane[]): Promise<void> {
    const pictureLanes = { path: socketPath, lanes: list };
    watcher.send('SET_PARAMETER', { param: JSON.stringify({ alirtcd: { pictureLanes } }) });
    for (const { id } of list) await reported(id, () => true);
  }

  /** The first report of this lane that fits, past or future. */
  async function reported(id: number, fits: (report: PictureLaneReport) => boolean): Promise<PictureLaneReport> {
    let found: PictureLaneReport | undefined;
    await watcher.until('SDK_VERSION', ({ fields }) => {
      const reports = fields.alirtcd?.['pictureLanes'] as PictureLaneReport[];
      found = reports.find((report) => report.id === id && fits(report));
      return found !== undefined;
    });
    assert.ok(found !== undefined);
    return found;
  }

  before(async () => {
    server = await ChannelServerUnderTest.start();
    const env = { ALIRTC_CHANNEL_SERVER_URL: server.url };
    sender = await HostedCore.start({ env });
    sender.send('SET_VIDEO_ENCODER_CONFIGURATION', {
      dimensions: { width: WIDTH, height: HEIGHT },
      frameRate: RATE,
      bitrate: 0,
      mirrorMode: 0,
      rotationMode: 0,
      orientationMode: 0,
      keyFrameInterval: 0,
      minBitrate: 0,
    });
    await joinAs(sender, 'alice', 'lanes');
    feed = new Feed(sender, { width: WIDTH, height: HEIGHT, rate: RATE });
  });

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'alirtc-lanes-'));
    socketPath = path.join(folder, 'lanes.sock');
    watcher = await HostedCore.start({ env: { ALIRTC_CHANNEL_SERVER_URL: server.url } });
    watcher.send('SET_PARAMETER', { param: JSON.stringify({ alirtcd: { demand: {}, pictureRing: true } }) });
    await joinAs(watcher, 'watcher', 'lanes', { publishMode: 1 });
  });

  afterEach(async () => {
    await watcher[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  after(async () => {
    await feed.stop();
    await sender[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  it('bring numbered pictures through shared memory, and none by the IPC', async () => {
    const lane = newLane();
    await lanes(lane);
    assert.equal(statSync(socketPath).mode & 0o777, 0o600);
    using client = new LaneClient(socketPath, lane.bytes).read();
    await client.count(30);
    assertPictures(client.pictures);
    assert.ok(client.pictures.every(({ message }) => message.localFrame !== undefined && message.data.length === 0));
    assert.deepEqual(watcher.of('DECODED_VIDEO_FRAME'), []);
    const { delivered } = await reported(lane.id, (report) => report.delivered > 30);
    await client.count(delivered);
  });

  it('refuse who does not know a secret, and who says one for the second time', async () => {
    const lane = newLane();
    await lanes(lane);
    assert.equal(await saidToLane(socketPath, randomBytes(32)), 0);
    using client = new LaneClient(socketPath, lane.bytes).read();
    await client.count(1);
    assert.equal(await saidToLane(socketPath, lane.bytes), 0);
    await client.count(client.pictures.length + 3);
    assert.doesNotMatch(watcher.core.stderr, new RegExp(lane.secret));
  });

  it('end when they are taken out of the list, while others go on', async () => {
    const [first, second] = [newLane(), newLane()];
    await lanes(first, second);
    using ended = new LaneClient(socketPath, first.bytes).read();
    using kept = new LaneClient(socketPath, second.bytes).read();
    await Promise.all([ended.count(5), kept.count(5)]);
    await lanes(second);
    await ended.ended();
    const { delivered } = await reported(first.id, ({ state }) => state === 'closed');
    assert.deepEqual([ended.pictures.length, ended.rest], [delivered, 0]);
    await kept.count(kept.pictures.length + 5);
    assertPictures(ended.pictures);
    assertPictures(kept.pictures);
  });

  it('are told as closed when the client goes', async () => {
    const lane = newLane();
    await lanes(lane);
    using client = new LaneClient(socketPath, lane.bytes).read();
    await client.count(3);
    client[Symbol.dispose]();
    const { delivered } = await reported(lane.id, ({ state }) => state === 'closed');
    assert.ok(delivered >= 3, `${delivered} delivered`);
  });

  it('drop pictures for a client that does not read, count them, and tell it so', async () => {
    // The pictures themselves: what the kernel keeps of them is few.
    watcher.send('SET_PARAMETER', { param: JSON.stringify({ alirtcd: { pictureRing: false } }) });
    const [slow, quick] = [newLane(), newLane()];
    await lanes(slow, quick);
    using sleeper = new LaneClient(socketPath, slow.bytes);
    using reader = new LaneClient(socketPath, quick.bytes).read();
    const { delivered, dropped } = await reported(slow.id, (report) => report.dropped >= 10);
    assert.ok(delivered < 10, `${delivered} delivered`);
    sleeper.read();
    await sleeper.count(delivered + 5);
    assertPictures(sleeper.pictures);
    const told = sleeper.pictures.reduce((sum, { message }) => sum + (message.header?.droppedBefore ?? 0), 0);
    assert.ok(told >= dropped, `${told} were told of ${dropped}`);
    assertPictures(reader.pictures);
    assert.ok(reader.pictures.length >= 10, `${reader.pictures.length} pictures for who reads`);
    assert.deepEqual(watcher.of('DECODED_VIDEO_FRAME'), []);
  });

  it('bring what was written to its end when the process ends', async () => {
    watcher.send('SET_PARAMETER', { param: JSON.stringify({ alirtcd: { pictureRing: false } }) });
    const lane = newLane();
    await lanes(lane);
    using client = new LaneClient(socketPath, lane.bytes);
    // Something waits in the process: more than the kernel takes.
    const { delivered } = await reported(lane.id, (report) => report.dropped > 0);
    const exited = watcher.destroy();
    client.read();
    assert.equal(await exited, 0);
    await client.ended();
    assert.ok(client.pictures.length >= delivered, `${client.pictures.length} of ${delivered} pictures`);
    assert.equal(client.rest, 0);
    assertPictures(client.pictures);
    assert.throws(() => statSync(socketPath), { code: 'ENOENT' });
  });
});
