import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { connect } from 'node:net';
import { once } from 'node:events';
import { AlirtcClient } from '../../../client/index.js';
import { OnSubscribeMixAudioFrameRequest, OnSubscribeMixAudioFrameResponse } from '../../../gen/alirtc/v1/media.js';
import { eventually } from '../../support/eventually.js';
import { LanePeer, saidToLane } from '../../support/lane_peer.js';
import { errorInfoOf } from '../../support/rpc.js';
import type { ScriptedCore } from '../../support/scripted_core/scripted_cores.js';
import { Scene } from './scene.js';

const SOUND = { type: 0, frame_ms: 10, sample_rates: 48000, samples: 480, channels: 1, sample_bits: 16 };

function feed(core: ScriptedCore, count: number, first = 1, payloadBytes = 200): void {
  core.frames('MIXED_AUDIO_FRAME', SOUND, { count, first, payloadBytes });
}

function open(scene: Scene, engineId: string, localLane = true): LanePeer<OnSubscribeMixAudioFrameResponse> {
  const request = OnSubscribeMixAudioFrameRequest.fromPartial({ engineId, localLane });
  const call = scene.daemon.media.onSubscribeMixAudioFrame(request);
  return new LanePeer(call, (bytes) => OnSubscribeMixAudioFrameResponse.decode(bytes));
}

const numbers = (messages: readonly OnSubscribeMixAudioFrameResponse[]): number[] =>
  messages.map(({ data }) => Buffer.from(data).readUInt32BE(0));

/** Sockets with that path; the listening one is one of them (proc_net_unix: accepted ones carry the path, too). */
const socketsAt = (socket: string): number => readFileSync('/proc/net/unix', 'utf8').split(socket).length - 1;

describe('Frame lanes of the daemon', () => {
  let scene: Scene;
  let engineId: string;
  let core: ScriptedCore;
  const peers: LanePeer<OnSubscribeMixAudioFrameResponse>[] = [];

  before(async () => {
    scene = await Scene.start();
    ({ engineId, core } = await scene.joined());
  });
  afterEach(() => {
    for (const { call, socket } of peers.splice(0)) {
      call.cancel();
      socket?.destroy();
    }
  });
  after(() => scene.close());

  const opened = (id = engineId): LanePeer<OnSubscribeMixAudioFrameResponse> => {
    const peer = open(scene, id);
    peers.push(peer);
    return peer;
  };

  it('are offered to who asks only, before any frame, at a socket of the own user in a folder of its own', async () => {
    const [asks, doesNot] = [opened(), open(scene, engineId, false)];
    peers.push(doesNot);
    await asks.offered();
    assert.equal(asks.offer?.secret.length, 32);
    feed(core, 2);
    await eventually(() => (doesNot.byGrpc.length === 2 ? undefined : `${doesNot.byGrpc.length} of 2 frames`));
    assert.equal(doesNot.offer, undefined);
    const socket = asks.offer?.path ?? '';
    assert.equal(statSync(socket).mode & 0o777, 0o600);
    assert.equal(statSync(path.dirname(socket)).mode & 0o777, 0o700);
  });

  it('leave frames on gRPC for who does not connect', async () => {
    const peer = opened();
    await peer.offered();
    feed(core, 3);
    await eventually(() => (peer.byGrpc.length === 3 ? undefined : `${peer.byGrpc.length} of 3 frames`));
    assert.deepEqual(numbers(peer.byGrpc), [1, 2, 3]);
  });

  it('carry every frame behind the beginning, with the numbers of the stream', async () => {
    const peer = opened();
    await peer.offered();
    feed(core, 2);
    await eventually(() => (peer.byGrpc.length === 2 ? undefined : `${peer.byGrpc.length} of 2 frames`));
    await peer.begin();
    feed(core, 1000, 3);
    const last = (): number => peer.byLane.at(-1)?.header?.sequence ?? 0;
    await eventually(() => (last() === 1002 ? undefined : `the last frame is ${last()}`));
    assert.equal(peer.byGrpc.length, 2);
    let expected = 2;
    for (const { header, data } of peer.byLane) {
      expected += (header?.droppedBefore ?? 0) + 1;
      assert.equal(header?.sequence, expected);
      assert.equal(Buffer.from(data).readUInt32BE(0), expected);
      assert.equal(data.length, 200);
    }
  });

  it('carry frames that are larger than a socket takes at once', async () => {
    const peer = opened();
    await peer.begin();
    feed(core, 3, 1, 700_000);
    await eventually(() => (peer.byLane.length === 3 ? undefined : `${peer.byLane.length} of 3 frames`));
    assert.deepEqual(numbers(peer.byLane), [1, 2, 3]);
    assert.ok(peer.byLane.every(({ data }) => data.length === 700_000));
  });

  it('drop for a reader that stops as gRPC does, and count it', async () => {
    const peer = opened();
    await peer.begin({ reads: false });
    const count = 1500;
    feed(core, count, 1, 4000);
    const other = opened();
    await other.begin();
    feed(core, 1, count + 1, 4000);
    await eventually(() => (other.byLane.length > 0 ? undefined : 'the other stream waits'));
    peer.read();
    const last = (): number => peer.byLane.at(-1)?.header?.sequence ?? 0;
    await eventually(() => (last() === count + 1 ? undefined : `the last frame is ${last()}`));
    let told = 0;
    for (const { header } of peer.byLane) told += (header?.droppedBefore ?? 0) + 1;
    assert.equal(told, count + 1);
    // The queue of 50, what the kernel holds, and nothing else.
    assert.ok(peer.byLane.length < 300, `${peer.byLane.length} frames waited`);
  });

  it('are refused to who does not know a secret, or says more than it', async () => {
    const peer = opened();
    await peer.offered();
    const { path: socket = '', secret = Buffer.alloc(0) } = peer.offer ?? {};
    assert.equal(await saidToLane(socket, Buffer.alloc(32, 1)), 0);
    assert.equal(await saidToLane(socket, Buffer.concat([secret, Buffer.from('more')])), 0);
    assert.equal(peer.hasBegun, false);
    await peer.begin();
  });

  it('are refused to who says a secret that was used, or whose stream has ended', async () => {
    const [used, gone] = [opened(), opened()];
    await used.begin();
    await gone.offered();
    const { path: socket = '', secret = Buffer.alloc(0) } = used.offer ?? {};
    assert.equal(await saidToLane(socket, Buffer.from(secret)), 0);
    gone.call.cancel();
    await eventually(() => (gone.hasEnded ? undefined : 'the stream goes on'));
    // The daemon hears of it in its own time: of two refusals one may be that of a stream that ends.
    assert.equal(await saidToLane(socket, Buffer.from(gone.offer?.secret ?? [])), 0);
    assert.equal(gone.hasBegun, false);
    assert.equal(used.laneClosed, false);
  });

  it('carry the frames of the stream whose secret was said, and no others', async () => {
    const other = await scene.joined('other');
    const [mine, theirs] = [opened(), opened(other.engineId)];
    await Promise.all([mine.begin(), theirs.begin()]);
    feed(core, 3, 1);
    feed(other.core, 3, 101);
    await eventually(() => (mine.byLane.length === 3 && theirs.byLane.length === 3 ? undefined : 'frames are missing'));
    assert.deepEqual(
      [numbers(mine.byLane), numbers(theirs.byLane)],
      [
        [1, 2, 3],
        [101, 102, 103],
      ],
    );
  });

  it('do not keep connections that say nothing, or half a secret', async () => {
    const peer = opened();
    await peer.offered();
    const silent = connect(peer.offer?.path ?? '');
    const half = connect(peer.offer?.path ?? '');
    half.write(Buffer.from(peer.offer?.secret ?? []).subarray(0, 16));
    await Promise.all([once(silent, 'close'), once(half, 'close')]);
    assert.equal(peer.hasBegun, false);
    const crowd = Array.from({ length: 40 }, () => connect(peer.offer?.path ?? ''));
    for (const socket of crowd) socket.on('error', () => undefined);
    await Promise.all(crowd.map((socket) => once(socket, 'close')));
    await peer.begin();
  });

  it('close when the client cancels the stream', async () => {
    const peer = opened();
    await peer.begin();
    peer.call.cancel();
    await eventually(() => (peer.laneClosed ? undefined : 'the lane is open'));
  });

  it('end the stream with a word when the client closes them', async () => {
    const peer = opened();
    (await peer.begin()).destroy();
    await eventually(() => (peer.error === undefined ? 'the stream goes on' : undefined));
    assert.equal(errorInfoOf(peer.error as never)?.reason, 'FRAME_LANE_LOST');
  });

  it('are what the client uses when it is asked to, and leave nothing behind', async () => {
    const client = await AlirtcClient.connect(scene.daemon.target);
    const probe = opened();
    await probe.offered();
    const socket = probe.offer?.path ?? '';
    await eventually(() => (socketsAt(socket) === 1 ? undefined : `${socketsAt(socket)} sockets`));
    const frames = client.engine(engineId).mixedAudio({ localLane: true, queueFrames: 500 });
    await eventually(() => (socketsAt(socket) === 2 ? undefined : `${socketsAt(socket)} sockets`));
    feed(core, 400);
    let expected = 0;
    for await (const { sequence, droppedBefore, data } of frames) {
      expected += droppedBefore + 1;
      assert.deepEqual([sequence, data.readUInt32BE(0)], [expected, expected]);
      if (expected === 400) break;
    }
    await eventually(() => (socketsAt(socket) === 1 ? undefined : `${socketsAt(socket)} sockets`));
    client.close();
  });

  it('bring everything that was written before the end of the daemon, whose socket is gone then', async () => {
    const own = await Scene.start();
    const joined = await own.joined();
    const peer = open(own, joined.engineId);
    await peer.begin();
    feed(joined.core, 20);
    await eventually(() => (peer.byLane.length === 20 ? undefined : `${peer.byLane.length} of 20 frames`));
    own.daemon.child.kill('SIGTERM');
    await eventually(() => (peer.hasEnded && peer.laneClosed ? undefined : 'the stream goes on'));
    assert.equal(peer.error, undefined);
    assert.deepEqual(await own.daemon.exited, { code: 0, signal: null });
    assert.equal(existsSync(peer.offer?.path ?? ''), false);
    await own.close();
  });
});
