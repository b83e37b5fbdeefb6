import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { credentials, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import type { Engine, Picture } from '../../../client/index.js';
import { PictureRingReader } from '../../../common/picture_ring.js';
import {
  MediaServiceClient,
  OnRemoteVideoSampleRequest,
  OnRemoteVideoSampleResponse,
} from '../../../gen/alirtc/v1/media.js';
import { ChannelScene, LiveFeed } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { LanePeer, saidToLane } from '../../support/lane_peer.js';
import { readPictureNumber } from '../../support/media/numbered_picture.js';
import { errorInfoOf } from '../../support/rpc.js';

const FEED = { width: 320, height: 240, framesPerSecond: 15, frequency: 600 };

/** Sockets with that path; the listening one is one of them. */
const socketsAt = (socket: string): number => readFileSync('/proc/net/unix', 'utf8').split(socket).length - 1;

describe('Picture lanes of a core', () => {
  let scene: ChannelScene;
  let engine: Engine;
  let feed: LiveFeed;
  let media: MediaServiceClient;
  const peers: LanePeer<OnRemoteVideoSampleResponse>[] = [];

  before(async () => {
    scene = await ChannelScene.open();
    const alice = await scene.engine();
    feed = await LiveFeed.start(alice, FEED);
    await scene.join(alice, 'alice');
    engine = await scene.engine();
    await scene.join(engine, 'bob');
    media = new MediaServiceClient(scene.daemon.address, credentials.createInsecure());
  });
  afterEach(() => {
    for (const { call, socket } of peers.splice(0)) {
      call.cancel();
      socket?.destroy();
    }
  });
  after(async () => {
    media.close();
    await feed.stop();
    await scene[Symbol.asyncDispose]();
  });

  function opened(wanted: Partial<OnRemoteVideoSampleRequest> = {}, id = engine.engineId) {
    const request = { engineId: id, localFrames: true, directLane: true, ...wanted };
    const call = media.onRemoteVideoSample(OnRemoteVideoSampleRequest.fromPartial(request));
    const peer = new LanePeer(call, (bytes) => OnRemoteVideoSampleResponse.decode(bytes));
    peers.push(peer);
    return peer;
  }

  const count = (list: readonly unknown[], least: number) =>
    eventually(() => (list.length >= least ? undefined : `${list.length} of ${least} pictures`), 20_000);

  function numbersOf(messages: readonly OnRemoteVideoSampleResponse[]): (number | undefined)[] {
    const ring = new PictureRingReader();
    const numbers = messages.map(({ localFrame, width, height, data }) => {
      const picture = localFrame === undefined ? Buffer.from(data) : ring.read(localFrame);
      return picture === undefined ? undefined : readPictureNumber(picture, width, height);
    });
    ring.close();
    return numbers;
  }

  it('are offered to who asks only, at a socket of the own user in the daemon’s folder', async () => {
    const [asks, doesNot] = [opened(), opened({ directLane: false })];
    await asks.offered();
    await count(doesNot.byGrpc, 1);
    assert.equal(doesNot.offer, undefined);
    assert.deepEqual([asks.offer?.direct, asks.offer?.begins, asks.offer?.secret.length], [true, false, 32]);
    const socket = asks.offer?.path ?? '';
    assert.equal(statSync(socket).mode & 0o777, 0o600);
    assert.equal(statSync(path.dirname(socket)).mode & 0o777, 0o700);
  });

  it('are refused to who does not know the secret', async () => {
    const peer = opened();
    await peer.offered();
    const { path: socket = '', secret = Buffer.alloc(0) } = peer.offer ?? {};
    const wrong = Buffer.from(secret);
    wrong.writeUInt8(wrong.readUInt8(0) ^ 1, 0);
    assert.equal(await saidToLane(socket, wrong), 0);
    assert.equal(await saidToLane(socket, Buffer.concat([secret, secret])), 0);
  });

  it('carry every picture of the users that were asked for, numbered from 1, and gRPC none', async () => {
    const peer = opened({ uids: ['alice'] });
    await peer.begin({ direct: true });
    await count(peer.byLane, 20);
    const seen = peer.byLane.slice(0, 20);
    assert.deepEqual(
      seen.map(({ header }) => header?.sequence),
      seen.map((_, index) => index + 1),
    );
    assert.ok(seen.every(({ uid, width, height }) => uid === 'alice' && width === 320 && height === 240));
    const latest = peer.byLane.slice(-3);
    const numbers = numbersOf(latest);
    assert.ok(
      numbers.every((number) => number !== undefined),
      `read ${numbers.join()}`,
    );
    assert.deepEqual(peer.byGrpc, []);
    const other = opened({ uids: ['somebody'] });
    await other.begin({ direct: true });
    const before = peer.byLane.length;
    await count(peer.byLane, before + 10);
    assert.deepEqual(other.byLane, []);
  });

  it('end with the stream: the core lets go of the client', async () => {
    const peer = opened();
    await peer.begin({ direct: true });
    await count(peer.byLane, 1);
    const socket = peer.offer?.path ?? '';
    await eventually(() => (socketsAt(socket) === 2 ? undefined : `${socketsAt(socket)} sockets`));
    peer.call.cancel();
    await eventually(() => (peer.laneClosed ? undefined : 'the lane is open'));
    await eventually(() => (socketsAt(socket) === 1 ? undefined : `${socketsAt(socket)} sockets`));
  });

  it('end their stream with a clear status when the client closes the lane alone', async () => {
    const peer = opened();
    const socket = await peer.begin({ direct: true });
    await count(peer.byLane, 1);
    socket.destroy();
    await eventually(() => (peer.hasEnded ? undefined : 'the stream goes on'));
    const error = peer.error as ServiceError;
    assert.deepEqual([error.code, errorInfoOf(error)?.reason], [status.UNAVAILABLE, 'FRAME_LANE_LOST']);
  });

  it('serve several at once, beside streams through the daemon, all with the same pictures', async () => {
    const [one, other, through] = [opened(), opened(), opened({ directLane: false })];
    await Promise.all([one.begin({ direct: true }), other.begin({ direct: true })]);
    await Promise.all([one.byLane, other.byLane, through.byGrpc].map((list) => count(list, 12)));
    const captured = (list: readonly OnRemoteVideoSampleResponse[]) =>
      new Set(list.map(({ header }) => header?.captureTimeUs));
    const [a, b, c] = [captured(one.byLane), captured(other.byLane), captured(through.byGrpc)];
    const common = [...a].filter((time) => b.has(time) && c.has(time));
    assert.ok(common.length >= 8, `${common.length} pictures came to all three`);
  });

  it('are counted as other streams are', async () => {
    const pictures = engine.pictures({ uids: ['alice'] });
    let read = 0;
    for await (const { release } of pictures) {
      release();
      if (++read === 15) break;
    }
    const text = await (await fetch(`${scene.daemon.ready.http ?? ''}/metrics`)).text();
    const delivered = Number(/^alirtcd_frames_delivered_total\{[^}]*kind="pictures"[^}]*\} (\d+)/m.exec(text)?.[1]);
    assert.ok(delivered >= 15, `${delivered} pictures were counted as delivered`);
  });

  it('go on with another core process: numbers, a discontinuity, and no socket of the old one', async () => {
    const carol = await scene.engine();
    await scene.join(carol, 'carol');
    const seen: Pick<Picture, 'sequence' | 'droppedBefore' | 'discontinuity'>[] = [];
    const abort = new AbortController();
    const pictures = carol.pictures({ uids: ['alice'], signal: abort.signal });
    const reading = (async () => {
      for await (const { sequence, droppedBefore, discontinuity, release } of pictures) {
        seen.push({ sequence, droppedBefore, discontinuity });
        release();
      }
    })();
    const watching = opened({}, carol.engineId);
    await watching.begin({ direct: true });
    const first = watching.offer?.path ?? '';
    await count(seen, 10);
    process.kill(carol.coreProcessId, 'SIGKILL');
    await eventually(() => (seen.some(({ discontinuity }) => discontinuity) ? undefined : 'no new core'), 30_000);
    await eventually(() => (watching.offer?.path === first ? 'no new lane was offered' : undefined));
    const cut = seen.findIndex(({ discontinuity }) => discontinuity);
    await count(seen, cut + 10);
    assert.equal(existsSync(first), false);
    assert.equal(seen.filter(({ discontinuity }) => discontinuity).length, 1);
    for (const [index, { sequence, droppedBefore }] of seen.entries())
      assert.equal(sequence, (seen[index - 1]?.sequence ?? 0) + droppedBefore + 1);
    abort.abort();
    await reading;
  });

  it('end with the engine: what came is read, then the status is OK', async () => {
    const dora = await scene.engine();
    await scene.join(dora, 'dora');
    const pictures = dora.pictures({ uids: ['alice'] });
    let read = 0;
    let released: Promise<void> | undefined;
    for await (const { release } of pictures) {
      release();
      if (++read === 5) released = dora.release();
    }
    await released;
    assert.ok(read >= 5);
  });
});
