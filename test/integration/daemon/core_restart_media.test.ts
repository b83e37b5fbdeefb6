import assert from 'node:assert/strict';
import { SubscribeMode, VideoTrack } from '../../../client/index.js';
import type { AlirtcEvent, Engine } from '../../../client/index.js';
import { CoreRestartStep } from '../../../gen/alirtc/v1/events.js';
import { ChannelScene, LiveFeed } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { readPictureNumber } from '../../support/media/numbered_picture.js';
import { steadyToneShare } from '../../support/media/tones.js';
import type { RtcPeer } from '../../support/rtc_peer/index.js';

const FEED = { width: 320, height: 240, framesPerSecond: 15, frequency: 600 };
/** Of the issue, on a machine that has nothing else to do; what was measured is printed. */
const GOAL_MS = 2_000;
/** A machine with two cores that others share may take so long. */
const LIMIT_MS = 15_000;

interface Arrived {
  atMs: number;
  sequence: number;
  droppedBefore: number;
  discontinuity: boolean;
  number: number | undefined;
}

/** Reads the pictures of one user until it is stopped. */
class PictureLog {
  readonly all: Arrived[] = [];
  readonly #stop = new AbortController();
  readonly done: Promise<void>;

  constructor(engine: Engine, sharedMemory: boolean) {
    const pictures = engine.pictures({ uids: ['alice'], sharedMemory, signal: this.#stop.signal });
    this.done = (async () => {
      for await (const { data, width, height, sequence, droppedBefore, discontinuity, release } of pictures) {
        const number = readPictureNumber(data, width, height);
        this.all.push({ atMs: performance.now(), sequence, droppedBefore, discontinuity, number });
        release();
      }
    })();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.done;
  }
}

/** Reads the sound of one user: the last second of it, and where it was cut. */
class SoundLog {
  readonly cuts: { atMs: number; sequence: number }[] = [];
  frames = 0;
  lastSequence = 0;
  gapless = true;
  readonly #samples: number[] = [];
  readonly #stop = new AbortController();
  readonly done: Promise<void>;

  constructor(engine: Engine) {
    const sound = engine.audioFrames({ uids: ['alice'], signal: this.#stop.signal });
    this.done = (async () => {
      for await (const frame of sound) {
        if (frame.discontinuity) this.cuts.push({ atMs: performance.now(), sequence: frame.sequence });
        this.gapless &&= frame.sequence === this.lastSequence + frame.droppedBefore + 1;
        this.lastSequence = frame.sequence;
        this.frames += 1;
        for (let i = 0; i < frame.samples; i++) this.#samples.push(frame.data.readInt16LE(i * 2));
        if (this.#samples.length > 48_000) this.#samples.splice(0, this.#samples.length - 48_000);
      }
    })();
  }

  share(frequency: number): number {
    return steadyToneShare(Int16Array.from(this.#samples), 48_000, frequency);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.done;
  }
}

async function seenByPeer(peer: RtcPeer, timeoutMs: number): Promise<void> {
  await peer.call('report', {});
  await eventually(async () => {
    const { participants } = await peer.call('report', {});
    const video = participants['bot']?.video ?? [];
    const tones = Math.max(0, ...(participants['bot']?.audio ?? []).map(({ tones: heard }) => heard['600'] ?? 0));
    const readable = Math.max(0, ...video.map((track) => track.readable));
    return readable > 0 && tones > 0.8 ? undefined : `${readable} readable pictures, tone ${tones.toFixed(2)}`;
  }, timeoutMs);
}

describe('a core process that dies in a call, with live media', function () {
  this.timeout(120_000);

  it('is replaced: pictures and sound go on in both directions, on the streams that are open, with the gap marked', async () => {
    await using scene = await ChannelScene.open();
    const peer = await scene.peer('alice');
    await peer.call('publish_video', { width: 320, height: 240, framesPerSecond: 15 });
    await peer.call('publish_audio', { frequency: 440 });
    const engine = await scene.engine();
    const feed = await LiveFeed.start(engine, FEED);
    // Pictures by hand, sound by the mode: both have to come back.
    await scene.join(engine, 'bot', { subscribeMode: SubscribeMode.AUDIO_AUTO_AND_ONLY });
    const events: AlirtcEvent[] = [];
    const stream = engine.events();
    const listening = (async () => {
      for await (const event of stream) events.push(event);
    })();
    await eventually(async () =>
      (await engine.snapshot())?.remoteUsers.some(({ uid }) => uid === 'alice') ? undefined : 'alice is not seen',
    );
    await engine.subscribeRemoteVideoStream('alice', VideoTrack.CAMERA, true);
    const logs = [new PictureLog(engine, true), new PictureLog(engine, false)];
    const sound = new SoundLog(engine);
    await eventually(() => {
      const counts = [...logs.map(({ all }) => all.length), sound.frames];
      return counts.every((count) => count > 20) ? undefined : `pictures and frames of sound: ${counts.join(', ')}`;
    }, 30_000);
    await seenByPeer(peer, 30_000);

    const before = logs.map(({ all }) => all.length);
    const pushed = feed.pictures;
    const killedAt = performance.now();
    process.kill(engine.coreProcessId, 'SIGKILL');
    await eventually(() => {
      const back = logs.map(({ all }, index) => all.slice(before[index]).some(({ discontinuity }) => discontinuity));
      return back.every(Boolean) && sound.cuts.length > 0
        ? undefined
        : `back: ${back.join(', ')}, ${sound.cuts.length}`;
    }, LIMIT_MS);
    const gaps = [
      ...logs.map(({ all }) => all.find(({ discontinuity }) => discontinuity)?.atMs ?? Infinity),
      sound.cuts[0]?.atMs ?? Infinity,
    ].map((atMs) => Math.round(atMs - killedAt));
    console.log(
      `      after kill -9 of the core: pictures by shared memory after ${gaps[0]} ms, by gRPC ${gaps[1]} ms, sound ${gaps[2]} ms (goal ${GOAL_MS} ms on a machine that is not shared)`,
    );
    const steps = events.flatMap((event) => (event.type === 'coreRestart' ? [event.value] : []));
    console.log(
      `      ${steps.map(({ step, elapsedMs }) => `${CoreRestartStep[step]?.toLowerCase() ?? ''} ${elapsedMs}`).join(', ')} ms`,
    );

    // Two seconds more, to judge what comes: the sender's numbers go up, each stream's own numbers have no gap but what is told.
    await eventually(() => {
      const counts = logs.map(({ all }) => all.length - all.findIndex(({ discontinuity }) => discontinuity));
      return counts.every((count) => count > 25) ? undefined : `pictures after the restart: ${counts.join(', ')}`;
    }, 30_000);
    for (const { all } of logs) {
      assert.equal(all.filter(({ discontinuity }) => discontinuity).length, 1, 'the gap is marked once');
      for (const [index, { sequence, droppedBefore }] of all.entries())
        assert.equal(sequence, (all[index - 1]?.sequence ?? 0) + droppedBefore + 1);
      const numbers = all.flatMap(({ number }) => (number === undefined ? [] : [number]));
      assert.ok(numbers.length > all.length * 0.9, `${numbers.length} of ${all.length} pictures can be read`);
      assert.deepEqual(
        numbers,
        [...numbers].sort((a, b) => a - b),
      );
    }
    assert.equal(sound.cuts.length, 1);
    assert.ok(sound.gapless, 'the numbers of the sound have a gap');
    await eventually(() => (sound.share(440) > 0.9 ? undefined : `share of the tone: ${sound.share(440)}`), 20_000);
    // The foreign participant sees and hears the engine again.
    await seenByPeer(peer, 30_000);
    assert.ok(feed.pictures > pushed, 'the push stream goes on');

    const told = events.map((event) => event.type);
    assert.equal(told.filter((type) => type === 'onError').length, 1);
    assert.equal(told.filter((type) => type === 'onJoinChannelResult').length, 0);
    assert.deepEqual(
      steps.map(({ step }) => step),
      [1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
    const sequences = events.map(({ sequence }) => sequence).slice(1);
    assert.deepEqual(
      sequences,
      sequences.map((_, index) => (sequences[0] ?? 0) + index),
    );
    await Promise.all([...logs.map((log) => log.stop()), sound.stop(), feed.stop()]);
    stream.cancel();
    await listening;
  });

  it('that hangs is replaced too, and the channel holds its user once', async () => {
    await using scene = await ChannelScene.open();
    const peer = await scene.peer('alice');
    const engine = await scene.engine();
    const feed = await LiveFeed.start(engine, FEED);
    await scene.join(engine, 'bot');
    await seenByPeer(peer, 30_000);
    const hungAt = performance.now();
    process.kill(engine.coreProcessId, 'SIGSTOP');
    const stream = engine.events();
    for await (const event of stream)
      if (event.type === 'coreRestart' && event.value.step === CoreRestartStep.COMPLETED) break;
    console.log(`      a core that hangs was found and replaced after ${Math.round(performance.now() - hungAt)} ms`);
    await seenByPeer(peer, 30_000);
    const { participants } = await peer.call('report', {});
    assert.deepEqual(Object.keys(participants), ['bot']);
    await feed.stop();
  });
});
