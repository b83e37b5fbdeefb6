import assert from 'node:assert/strict';
import { PublishState, VideoTrack, type Engine } from '../../../client/index.js';
import { newChannel, TestBed } from './test_bed.js';

/** One of each kind that would change something; what is refused at all is in table.test.ts. */
const REFUSED: ((engine: Engine) => Promise<unknown>)[] = [
  (engine) => engine.setExternalAudioPublishVolume(101),
  (engine) => engine.setExternalAudioSource(true, { sampleRateHz: 12_345 }),
  (engine) => engine.publishLocalVideoStream(false, { wait: true }),
  (engine) => engine.publishLocalDualStream(true, { wait: true }),
  (engine) => engine.publishScreenShareStream(true, { wait: false }),
  (engine) => engine.setVideoEncoderConfiguration({ dimensions: { width: -640, height: 480 } }),
];

describe('bad input: calls of an engine', () => {
  let bed: TestBed;
  let engine: Engine;
  before(async () => {
    bed = await TestBed.open();
    engine = await bed.engine();
  });
  after(async () => {
    await engine.release();
    await bed.nothingIsLeft();
    await bed[Symbol.asyncDispose]();
  });

  it('leave nothing changed when they are refused', async () => {
    await engine.setExternalAudioPublishVolume(42);
    for (const call of REFUSED) await assert.rejects(call(engine));
    assert.equal(await engine.getExternalAudioPublishVolume(), 42);
    assert.equal(await engine.isLocalVideoStreamPublished(), true);
    assert.equal(await engine.isLocalScreenPublishEnabled(), false);
    assert.equal(await engine.isDualStreamPublished(), false);
    assert.equal((await engine.snapshot())?.camera, PublishState.IDLE);
  });

  it('in a channel: a subscription to a user who is not there does not hang, and the client may give it up', async () => {
    const channel = newChannel();
    const joined = await bed.joined(channel, 'me');
    await joined.subscribeRemoteAudioStream('nobody', true, { wait: false });
    await joined.subscribeRemoteVideoStream('nobody', VideoTrack.BOTH, true, { wait: false });
    await assert.rejects(joined.subscribeRemoteAudioStream('nobody', true, { deadlineMs: 300 }), {
      codeName: 'DEADLINE_EXCEEDED',
    });
    await joined.release();
  });
});
