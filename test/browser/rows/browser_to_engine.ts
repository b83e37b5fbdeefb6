import assert from 'node:assert/strict';
import { VideoCodec, VideoStreamType, VideoTrackType, type Engine } from '../../../client/index.js';
import { EventRecord } from '../../conformance/video/support/event_record.js';
import { checkFakeCamera, checkFakeMicrophone } from '../support/fake_devices.js';
import { PictureView } from '../support/picture_view.js';
import { row, type Rig } from '../support/row.js';

const CAMERA = { width: 640, height: 360, framesPerSecond: 15, simulcast: true };
const CODECS = { vp8: VideoCodec.VP8, h264: VideoCodec.H264 };
const { HIGH, LOW, NONE } = VideoStreamType;

/** Encoded samples, the first of them a key frame, all of the codec. */
async function checkEncoded(engine: Engine, uid: string, codec: 'vp8' | 'h264'): Promise<void> {
  let count = 0;
  for await (const sample of engine.encodedPictures({ uids: [uid], signal: AbortSignal.timeout(15_000) })) {
    if (count++ === 0) {
      assert.ok(sample.keyFrame, 'the first sample is not a key frame');
      // H.264: Annex B, and the parameter sets come first (NAL unit type 7). VP8: the start code of a key frame, RFC 6386 9.1.
      const start = sample.data.subarray(0, 6).toString('hex');
      if (codec === 'h264') assert.match(start, /^00000001.7/);
      else assert.equal(start.slice(6, 12), '9d012a');
    }
    assert.equal(sample.codec, CODECS[codec]);
    if (count >= 20) return;
  }
  assert.fail(`only ${count} encoded samples`);
}

/** A browser sends, an engine receives. */
export function browserToEngineRows(rig: Rig): void {
  for (const codec of ['vp8', 'h264'] as const)
    row(rig, `a browser's ${codec} simulcast camera and microphone reach an engine, both layers`, async (scene) => {
      const engine = await scene.engine('bot');
      using events = new EventRecord(engine);
      const tab = await scene.browser('alice');
      await tab.call('publish_camera', { ...CAMERA, codec });
      await tab.call('publish_microphone', {});
      using view = new PictureView(engine, 'alice');
      const large = await view.next(30, 640);
      checkFakeCamera(large);
      assert.ok(large.every(({ height, track }) => height === 360 && track === VideoTrackType.CAMERA_LARGE));
      await Promise.all([checkFakeMicrophone(engine, 'alice'), checkEncoded(engine, 'alice', codec)]);

      for (const [type, width, track] of [
        [LOW, 320, VideoTrackType.CAMERA_SMALL],
        [HIGH, 640, VideoTrackType.CAMERA_LARGE],
      ] as const) {
        await engine.setRemoteVideoStreamType('alice', type);
        const pictures = await view.next(15, width);
        checkFakeCamera(pictures);
        assert.ok(pictures.every((picture) => picture.track === track));
      }
      const changes = events.of('onSubscribeStreamTypeChanged').map(({ value }) => value.newStreamType);
      // A browser's large layer may be up only after its small one.
      assert.deepEqual(changes.slice(changes.indexOf(HIGH)), [HIGH, LOW, HIGH]);
      assert.equal(events.of('onSubscribeStreamTypeChanged')[0]?.value.oldStreamType, NONE);
      const first = ['onRemoteUserOnLineNotify', 'onRemoteTrackAvailableNotify', 'onVideoSubscribeStateChanged'];
      assert.deepEqual(
        [...new Set(events.all.map(({ type }) => type))].filter((type) => first.includes(type)),
        first,
      );
    });
}
