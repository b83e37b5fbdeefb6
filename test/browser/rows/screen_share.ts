import assert from 'node:assert/strict';
import { SubscribeState, VideoDataFormat, VideoSource, VideoTrackType } from '../../../client/index.js';
import { EventRecord } from '../../conformance/video/support/event_record.js';
import { eventually } from '../../support/eventually.js';
import { NumberedPictures } from '../../support/media/numbered_picture.js';
import { PictureView, countChanges } from '../support/picture_view.js';
import { row, type Rig } from '../support/row.js';

const SCREEN = { width: 640, height: 480, framesPerSecond: 10 };

/** Shared screens, both ways. */
export function screenShareRows(rig: Rig): void {
  for (const codec of ['vp8', 'h264'] as const)
    row(rig, `a screen that a browser shares in ${codec} reaches an engine, and its end is told`, async (scene) => {
      const engine = await scene.engine('bot');
      using events = new EventRecord(engine);
      const tab = await scene.browser('alice');
      await tab.call('publish_screen', { codec, framesPerSecond: 10 });
      using view = new PictureView(engine, 'alice', [VideoTrackType.SCREEN_SHARE]);
      const pictures = await view.next(15);
      assert.ok(pictures.every(({ track }) => track === VideoTrackType.SCREEN_SHARE));
      assert.ok(countChanges(pictures) >= 8, `${countChanges(pictures)} of 15 pictures changed`);
      const last = pictures.at(-1);
      assert.ok(last !== undefined && Math.abs(last.width / last.height - 16 / 9) < 0.02, 'the shape of the picture');
      await scene.screenshots();
      await tab.call('unpublish', { source: 'screen' });
      await events.first(
        'onScreenShareSubscribeStateChanged',
        ({ uid, oldState, newState }) =>
          uid === 'alice' && oldState === SubscribeState.SUBSCRIBED && newState !== SubscribeState.SUBSCRIBED,
      );
    });

  row(rig, 'a screen that an engine shares is seen in the page, beside its camera', async (scene) => {
    const engine = await scene.engine('bot');
    const { width, height, framesPerSecond } = SCREEN;
    for (const sourceType of [VideoSource.CAMERA, VideoSource.SCREEN_SHARE])
      await engine.setExternalVideoSource(true, { sourceType });
    await engine.setVideoEncoderConfiguration({
      dimensions: { width: 320, height: 180 },
      frameRate: 10,
      bitrateKbps: 0,
    });
    await engine.setScreenShareEncoderConfiguration({
      dimensions: { width, height },
      frameRate: framesPerSecond,
      bitrateKbps: 0,
    });
    await engine.publishScreenShareStream(true, { wait: false });
    const tab = await scene.browser('alice');
    const camera = engine.videoPush({ source: VideoSource.CAMERA });
    const screen = engine.videoPush({ source: VideoSource.SCREEN_SHARE });
    const screens = new NumberedPictures(width, height, framesPerSecond);
    const cameras = new NumberedPictures(320, 180, framesPerSecond);
    let number = 0;
    const timer = setInterval(() => {
      const common = { format: VideoDataFormat.I420, timestampMs: 0 };
      void screen.push({ ...common, width, height, data: screens.draw(number) });
      void camera.push({ ...common, width: 320, height: 180, data: cameras.draw(number++) });
    }, 100);
    try {
      await eventually(async () => {
        const seen = (await tab.call('report', {})).participants['bot']?.video ?? [];
        const sizes = seen.map((v) => `${v.source} ${v.width}x${v.height} ${v.readable > 0 ? 'readable' : ''}`).sort();
        const wanted = ['camera 320x180 readable', 'screen_share 640x480 readable'];
        return sizes.join() === wanted.join() ? undefined : `the page sees ${sizes.join()}`;
      }, 30_000);
    } finally {
      clearInterval(timer);
      await Promise.all([camera.end(), screen.end()]);
    }
  });
}
