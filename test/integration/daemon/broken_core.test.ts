import assert from 'node:assert/strict';
import { unitOf } from '../../fuzz/support/ipc_messages.js';
import { rpc } from '../../support/rpc.js';
import { Scene } from './scene.js';

describe('a daemon whose core says what cannot be', function () {
  this.timeout(60_000);
  let scene: Scene;
  before(async () => (scene = await Scene.start()));
  after(async () => {
    const { code } = await scene.close();
    assert.equal(code, 0);
  });

  const PICTURE = {
    Request: 1021,
    uid: 'a',
    track: 1,
    type: 0,
    frame_ms: 1,
    width: 2,
    height: 2,
    frame_num: 1,
    frame_size: 0,
  };

  for (const [title, message] of [
    ['a picture in a ring without a path', { ...PICTURE, alirtcd: { ring: {} } }],
    ['a picture of a width beyond 32 bits', { ...PICTURE, width: 4_294_967_296 }],
    ['a picture taken at a time that no clock has', { ...PICTURE, alirtcd: { captureTimeUs: 1e300 } }],
    ['statistics beyond 64 bits', { Request: 1062, sentBytes: 1e30 }],
    ['an error with a number beyond 32 bits', { Request: 1017, errorCode: 1, alirtcd: { number: 1e15 } }],
  ] as [string, object][])
    it(`goes on after ${title}, and so does its engine`, async () => {
      const { engineId, core } = await scene.joined();
      core.raw(unitOf(JSON.stringify(message)));
      const { sdkVersion } = await rpc<{ sdkVersion: string }>((done) =>
        scene.daemon.engines.getSdkVersion({ engineId }, done),
      );
      assert.equal(sdkVersion, 'scripted');
      await rpc((done) => scene.daemon.engines.release({ engineId }, done));
    });
});
