import assert from 'node:assert/strict';
import { PictureRingReader } from '../../../common/picture_ring.js';
import type { PictureLane, PictureLaneReport } from '../../../coreservice/ipc/extension.js';
import type { EncodedUnit } from '../../../coreservice/rtc/types.js';
import { settle } from './fake_clock.js';
import { ScriptedEngine, type Told } from './scripted_engine.js';
import { ScriptedLaneServer, type ScriptedLaneSocket } from './scripted_lane_server.js';
import type { ScriptedVideoTrack } from './scripted_room.js';
import { key, unit } from './encoded_units.js';

const PATH = '/run/lanes.sock';
const ALL = [{ uid: '*', track: -1 }];
const [CAMERA, SMALL, SCREEN] = [0, 1, 3];

const secretOf = (id: number): string => id.toString(16).padStart(64, 'a');
const lane = (id: number, change: Partial<PictureLane> = {}): PictureLane => ({
  id,
  secret: secretOf(id),
  uids: [],
  tracks: [],
  ...change,
});

/** A host that watches Alice's camera by what a test asks for. */
class Watcher extends ScriptedEngine {
  server = new ScriptedLaneServer(PATH);
  servers = 0;
  track!: ScriptedVideoTrack;

  override laneServer = (path: string): ScriptedLaneServer => {
    assert.equal(path, PATH);
    this.servers++;
    return this.server;
  };

  static async begin(lanes?: PictureLane[], parameters: object = { pictureRing: true }): Promise<Watcher> {
    const host = new Watcher();
    host.parameter({ demand: {}, ...parameters });
    if (lanes !== undefined) await host.lanes(...lanes);
    await host.join({ subscribeMode: 0 });
    host.room.join('alice');
    host.room.publish('alice', 'camera', { simulcast: true });
    host.track = host.room.deliverVideo('alice');
    host.take();
    return host;
  }

  parameter(alirtcd: object): void {
    this.send('SET_PARAMETER', { param: JSON.stringify({ alirtcd }) });
  }

  async lanes(...lanes: PictureLane[]): Promise<void> {
    this.parameter({ pictureLanes: { path: PATH, lanes } });
    await settle();
  }

  connect(id: number): ScriptedLaneSocket {
    return this.server.connect(secretOf(id));
  }

  async show(...units: EncodedUnit[]): Promise<void> {
    for (const one of units) {
      this.track.emit('unit', one);
      await settle();
    }
  }

  /** By the IPC, since the last call. */
  pictures(): Told[] {
    return this.take().filter(({ name }) => name === 'DECODED_VIDEO_FRAME');
  }

  /** What SDK_VERSION said, since the last call. */
  reports(): PictureLaneReport[][] {
    return this.take()
      .filter(({ name }) => name === 'SDK_VERSION')
      .map(({ fields }) => (fields['alirtcd'] as { pictureLanes: PictureLaneReport[] }).pictureLanes);
  }
}

const numbers = (socket: ScriptedLaneSocket): number[] => socket.take().map(({ frameNum }) => frameNum);
const report = (id: number, state: string, delivered = 0, dropped = 0): object => ({ id, state, delivered, dropped });

describe('a picture lane', () => {
  it('gets pictures through shared memory, beginning with a key frame, and the host gets none', async () => {
    const host = await Watcher.begin([lane(1)]);
    await host.show(key(1), unit(2));
    assert.equal(host.codecs.decoders, 0, 'decoded before anybody came');
    const asked = host.track.keyFrameRequests;
    const socket = host.connect(1);
    assert.equal(host.track.keyFrameRequests, asked + 1);
    await host.show(unit(3), key(42), unit(43));
    assert.deepEqual(host.pictures(), []);
    const [first, second, ...more] = socket.pictures;
    assert.ok(first !== undefined);
    const { localFrame, data, ...rest } = first;
    assert.deepEqual(rest, {
      header: { sequence: 1, captureTimeUs: 42_000, droppedBefore: 0, discontinuity: false },
      uid: 'alice',
      track: 1,
      frameMs: 1400,
      frameNum: 1,
      width: 4,
      height: 2,
      qp: 0,
      sliceType: 2,
      lane: undefined,
    });
    assert.equal(data.length, 0);
    assert.ok(localFrame !== undefined);
    const reader = new PictureRingReader();
    assert.deepEqual(reader.read(localFrame), Buffer.concat([Buffer.from([42]), Buffer.alloc(11)]));
    reader.close();
    assert.deepEqual([second?.header?.sequence, second?.frameNum, second?.sliceType, more.length], [2, 2, 0, 0]);
    assert.equal(host.codecs.releasedPictures, 2);
    await host.engine.close();
  });

  it('carries the picture itself where there is no shared memory', async () => {
    const host = await Watcher.begin([lane(1), lane(2)], {});
    const sockets = [host.connect(1), host.connect(2)];
    await host.show(key(7));
    for (const { pictures } of sockets) {
      assert.equal(pictures[0]?.localFrame, undefined);
      assert.deepEqual(Buffer.from(pictures[0]?.data ?? []), Buffer.concat([Buffer.from([7]), Buffer.alloc(11)]));
    }
    assert.equal(host.codecs.releasedPictures, 1);
  });

  it('on a track that flows already gets its next picture, and the others see nothing of its coming and going', async () => {
    const host = await Watcher.begin([lane(1), lane(2)], { pictureRing: true, demand: { pictures: ALL } });
    await host.show(key(1));
    const asked = host.track.keyFrameRequests;
    const [first, second] = [host.connect(1), host.connect(2)];
    await host.show(unit(2));
    first.destroy();
    await host.show(unit(3));
    host.parameter({ demand: {} });
    await host.show(unit(4));
    host.parameter({ demand: { pictures: ALL } });
    await host.show(unit(5));
    second.destroy();
    await host.show(unit(6));
    assert.deepEqual(numbers(first), [2]);
    assert.deepEqual(numbers(second), [2, 3, 4, 5]);
    assert.deepEqual(
      host.pictures().map(({ fields }) => fields['frame_num']),
      [1, 2, 3, 5, 6],
    );
    assert.equal(host.track.keyFrameRequests, asked);
    assert.deepEqual([host.codecs.decoders, host.codecs.releasedPictures], [1, 6]);
    await host.engine.close();
  });

  const selections: [title: string, change: Partial<PictureLane>, wanted: number[]][] = [
    ['everybody and every track', {}, [1, 1, 2]],
    ['her', { uids: ['bob', 'alice'] }, [1, 1, 2]],
    ['somebody else', { uids: ['bob'] }, []],
    ['the large stream', { tracks: [CAMERA] }, [1, 2]],
    ['the small stream', { tracks: [SMALL] }, [1]],
    ['the screen', { tracks: [SCREEN] }, []],
  ];
  for (const [title, change, wanted] of selections)
    it(`for ${title} gets just that`, async () => {
      const host = await Watcher.begin([lane(1, change)]);
      const socket = host.connect(1);
      await host.show(key(1));
      host.send('SET_REMOTE_VIDEO_STREAM_TYPE', { uid: 'alice', streamType: 2 });
      await host.show(key(2, { width: 320, height: 240 }));
      host.send('SET_REMOTE_VIDEO_STREAM_TYPE', { uid: 'alice', streamType: 1 });
      await host.show(key(3));
      assert.deepEqual(
        socket.pictures.map(({ header }) => header?.sequence),
        wanted.map((_, i) => i + 1),
      );
      assert.deepEqual(numbers(socket), wanted);
      await host.engine.close();
    });

  it('drops while its client is behind, and tells how many', async () => {
    const host = await Watcher.begin([lane(1), lane(2)]);
    const [slow, quick] = [host.connect(1), host.connect(2)];
    slow.writableLength = 32 * 1024;
    await host.show(key(1));
    slow.writableLength++;
    await host.show(unit(2), unit(3));
    slow.writableLength = 0;
    await host.show(unit(4), unit(5));
    assert.deepEqual(slow.take(), [
      { sequence: 1, droppedBefore: 0, frameNum: 1 },
      { sequence: 4, droppedBefore: 2, frameNum: 4 },
      { sequence: 5, droppedBefore: 0, frameNum: 5 },
    ]);
    assert.deepEqual(numbers(quick), [1, 2, 3, 4, 5]);
    host.take();
    host.send('GET_SDK_VERSION', {});
    assert.deepEqual(host.reports(), [[report(1, 'open', 3, 2), report(2, 'open', 5)]]);
    await host.engine.close();
  });

  it('tells what was dropped before the decoder, but not before its first picture', async () => {
    const host = await Watcher.begin([lane(1), lane(2), lane(3, { tracks: [SCREEN] })]);
    const [early, other] = [host.connect(1), host.connect(3)];
    await host.show(key(1));
    let open = (): void => undefined;
    host.codecs.decodeGate = new Promise((resolve) => (open = resolve));
    for (let i = 2; i <= 12; i++) host.track.emit('unit', unit(i));
    const late = host.connect(2);
    host.track.emit('unit', key(13));
    open();
    await settle();
    assert.deepEqual(early.take(), [
      { sequence: 1, droppedBefore: 0, frameNum: 1 },
      { sequence: 10, droppedBefore: 8, frameNum: 10 },
      { sequence: 11, droppedBefore: 0, frameNum: 11 },
    ]);
    assert.deepEqual(late.take(), [
      { sequence: 1, droppedBefore: 0, frameNum: 10 },
      { sequence: 2, droppedBefore: 0, frameNum: 11 },
    ]);
    assert.deepEqual(other.take(), []);
    await host.engine.close();
  });

  it('begins anew with a user that went and comes back', async () => {
    const host = await Watcher.begin([lane(1)]);
    const socket = host.connect(1);
    await host.show(key(1));
    let open = (): void => undefined;
    host.codecs.decodeGate = new Promise((resolve) => (open = resolve));
    for (let i = 2; i <= 12; i++) host.track.emit('unit', unit(i));
    host.room.leave('alice');
    open();
    await settle();
    host.room.join('alice');
    host.room.publish('alice', 'camera');
    host.track = host.room.deliverVideo('alice');
    await host.show(key(20));
    assert.deepEqual(socket.take(), [
      { sequence: 1, droppedBefore: 0, frameNum: 1 },
      { sequence: 2, droppedBefore: 0, frameNum: 10 },
    ]);
    await host.engine.close();
  });
});

describe('the list of picture lanes', () => {
  it('is told when they can be connected to, when one opens, when its client goes, and that once', async () => {
    const host = await Watcher.begin();
    await host.lanes(lane(1), lane(2));
    assert.deepEqual(host.reports(), [[report(1, 'offered'), report(2, 'offered')]]);
    const socket = host.connect(1);
    assert.deepEqual(host.reports(), [[report(1, 'open'), report(2, 'offered')]]);
    await host.show(key(1));
    assert.equal(host.codecs.openDecoders, 1);
    socket.destroy();
    assert.equal(host.codecs.openDecoders, 0);
    assert.deepEqual(host.reports(), [[report(2, 'offered'), report(1, 'closed', 1)]]);
    await host.lanes(lane(1), lane(2));
    assert.deepEqual(host.server.offered, [secretOf(2)], 'what has closed is offered again');
    host.send('GET_SDK_VERSION', {});
    assert.deepEqual(host.reports(), [[report(2, 'offered')]]);
    assert.equal(host.servers, 1);
    await host.lanes();
    await host.engine.close();
  });

  it('ends what is missing in it: what was written goes out, and its last numbers are told', async () => {
    const host = await Watcher.begin([lane(1), lane(2), lane(3)]);
    const [ended, kept] = [host.connect(1), host.connect(2)];
    await host.show(key(1));
    host.take();
    ended.stuck = true;
    await host.lanes(lane(2), lane(4));
    assert.deepEqual(host.reports(), [
      [report(2, 'open', 1), report(4, 'offered'), report(1, 'closed', 1), report(3, 'closed')],
    ]);
    assert.deepEqual(host.server.offered, [secretOf(4)]);
    assert.deepEqual([ended.ended, ended.destroyed, kept.ended], [true, false, false]);
    await host.show(unit(2));
    assert.deepEqual([numbers(ended), numbers(kept)], [[1], [1, 2]]);
    await host.clock.pass(5000);
    assert.equal(ended.destroyed, true, 'a client that does not read keeps its socket');
    await host.lanes();
    assert.deepEqual([kept.ended, kept.destroyed, host.codecs.openDecoders], [true, true, 0]);
    host.take();
    host.send('GET_SDK_VERSION', {});
    assert.deepEqual(host.reports(), [[]]);
    await host.engine.close();
  });

  it('waits for the sockets', async () => {
    const host = await Watcher.begin();
    let open = (): void => undefined;
    host.server = new ScriptedLaneServer(PATH, { gate: new Promise((resolve) => (open = resolve)) });
    await host.lanes(lane(1));
    await host.lanes(lane(1), lane(2));
    await host.lanes(lane(2), lane(3));
    assert.deepEqual(host.reports(), [[report(1, 'closed')]]);
    assert.deepEqual(host.server.offered, []);
    open();
    await settle();
    assert.deepEqual(host.reports(), [[report(2, 'offered'), report(3, 'offered')]]);
    assert.deepEqual([host.server.offered, host.servers], [[secretOf(2), secretOf(3)], 1]);
  });

  it('is told as closed where the sockets cannot be had', async () => {
    const host = await Watcher.begin();
    host.server = new ScriptedLaneServer(PATH, { broken: true });
    await host.lanes(lane(1));
    assert.deepEqual(host.reports(), [[report(1, 'closed')]]);
    await host.lanes(lane(1), lane(2));
    assert.deepEqual(host.reports(), [[report(2, 'closed')]]);
  });

  it('is told every second while pictures go, and only then', async () => {
    const host = await Watcher.begin([lane(1)]);
    const socket = host.connect(1);
    host.take();
    for (let i = 0; i <= 30; i++) {
      await host.show(key(i));
      await host.clock.pass(100);
    }
    assert.deepEqual(host.reports(), [[report(1, 'open', 11)], [report(1, 'open', 21)], [report(1, 'open', 31)]]);
    assert.equal(socket.pictures.length, 31);
    await host.clock.pass(10_000);
    assert.deepEqual(host.reports(), []);
    await host.engine.close();
  });

  it('is in every answer about the version, also when there are none', async () => {
    const host = new ScriptedEngine();
    host.send('GET_SDK_VERSION', {});
    await settle();
    assert.deepEqual(host.take().at(-1)?.fields['alirtcd'], { pictureLanes: [] });
  });

  const wrong: [title: string, lanes: unknown][] = [
    ['no list', { path: PATH }],
    ['no path', { path: '', lanes: [] }],
    ['a short secret', { path: PATH, lanes: [lane(1, { secret: 'abcdef' })] }],
    ['a secret that is not hexadecimal', { path: PATH, lanes: [lane(1, { secret: 'xyz!'.repeat(16) })] }],
    ['no user ids', { path: PATH, lanes: [{ ...lane(1), uids: undefined }] }],
    ['tracks by name', { path: PATH, lanes: [{ ...lane(1), tracks: ['CAMERA'] }] }],
    ['an id twice', { path: PATH, lanes: [lane(1), lane(1)] }],
    ['another path', { path: '/run/others.sock', lanes: [lane(1)] }],
  ];
  for (const [title, pictureLanes] of wrong)
    it(`with ${title} is refused by name, without its secret, and nothing changes`, async () => {
      const host = await Watcher.begin([lane(9)]);
      host.parameter({ pictureLanes });
      await settle();
      const [error, ...more] = host.take();
      const { reason, text = '' } = error?.fields['alirtcd'] as { reason?: string; text?: string };
      assert.deepEqual([error?.name, reason, more.length], ['ERROR', 'BAD_PARAMETER', 0]);
      assert.match(text, /alirtcd\.pictureLanes/);
      for (const secret of [secretOf(1), 'abcdef', 'xyz!']) assert.ok(!text.includes(secret), text);
      assert.deepEqual(host.server.offered, [secretOf(9)]);
    });
});

describe('picture lanes at the end of the engine', () => {
  it('take what was written, for a fifth of a second', async () => {
    const host = await Watcher.begin([lane(1), lane(2), lane(3)]);
    const [good, stuck] = [host.connect(1), host.connect(2)];
    await host.show(key(1));
    stuck.stuck = true;
    const closed = host.engine.close();
    await settle();
    assert.deepEqual([good.ended, good.destroyed, stuck.ended, stuck.destroyed], [true, true, true, false]);
    await host.clock.pass(200);
    assert.deepEqual([stuck.destroyed, host.server.closed, host.server.offered], [true, true, []]);
    await closed;
    assert.deepEqual(numbers(good), [1]);
  });
});
