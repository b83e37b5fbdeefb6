import assert from 'node:assert/strict';
import { ErrorCode, SubscribeState, type Engine } from '../../../client/index.js';
import { EventRecord } from '../../conformance/video/support/event_record.js';
import { eventually } from '../../support/eventually.js';
import type { BrowserPeer } from '../support/browser_peer.js';
import { checkFakeCamera } from '../support/fake_devices.js';
import { PictureView } from '../support/picture_view.js';
import { row, type Rig } from '../support/row.js';

const CAMERA = { width: 640, height: 360, framesPerSecond: 15, simulcast: true };

/** Codecs that leave the page now. */
async function sentCodecs(tab: BrowserPeer): Promise<string[]> {
  const before = new Map((await tab.call('report', {})).sent.map((sent) => [sent.mimeType + sent.rid, sent.bytes]));
  let codecs: string[] = [];
  await eventually(async () => {
    const { sent } = await tab.call('report', {});
    const flowing = sent.filter((one) => one.bytes > (before.get(one.mimeType + one.rid) ?? 0) + 5000);
    codecs = [...new Set(flowing.map(({ mimeType }) => mimeType))];
    return codecs.length > 0 ? undefined : `nothing is sent: ${JSON.stringify(sent)}`;
  }, 20_000);
  return codecs;
}

async function checkPictures(engine: Engine): Promise<void> {
  using view = new PictureView(engine, 'alice');
  checkFakeCamera(await view.next(15, 640, 30_000));
}

/** The error that names user, codec and remedy, and a subscription that is given up instead of waiting. */
async function checkRefusal(events: EventRecord, codec: RegExp): Promise<void> {
  const { text } = await events.first(
    'onError',
    ({ errorCode }) => errorCode === ErrorCode.SUBSCRIBE_VIDEO_STREAM_FAILED,
    20_000,
  );
  assert.match(text, /alice/);
  assert.match(text, codec);
  assert.match(text, /H\.264 and VP8.*has to publish one of these.*backupCodec/);
  await events.first('onVideoSubscribeStateChanged', ({ newState }) => newState === SubscribeState.NO_SUBSCRIBE);
}

/** Browsers that prefer other codecs than engines have. */
export function codecRows(rig: Rig, server: 'embedded' | 'livekit-server'): void {
  for (const codec of ['av1', 'vp9'] as const) {
    row(rig, `a browser that would publish ${codec} with a backup codec is received by an engine`, async (scene) => {
      const engine = await scene.engine('bot');
      const tab = await scene.browser('alice');
      await tab.call('publish_camera', { ...CAMERA, codec, backup: 'vp8' });
      await checkPictures(engine);
      const codecs = await sentCodecs(tab);
      assert.ok(
        codecs.some((one) => /VP8|H264/.test(one)),
        `sent: ${codecs.join()}`,
      );
      // The embedded server says at the join what it forwards.
      if (server === 'embedded') assert.deepEqual(codecs, ['video/H264']);
    });

    row(rig, `a participant that has only ${codec} is an error with a clear text, never black`, async (scene) => {
      const engine = await scene.engine('bot');
      using events = new EventRecord(engine);
      const tab = await scene.browser('alice', { onlyCodec: codec });
      await tab.call('publish_camera', { ...CAMERA, codec, simulcast: false });
      await tab.call('publish_microphone', {});
      await checkRefusal(events, new RegExp(codec, 'i'));
      // What it has beside is not touched by it.
      await events.first('onAudioSubscribeStateChanged', ({ newState }) => newState === SubscribeState.SUBSCRIBED);
      // Who comes later is told as well.
      const late = await scene.channel.engine();
      using lateEvents = new EventRecord(late);
      await scene.channel.join(late, 'late');
      await checkRefusal(lateEvents, new RegExp(codec, 'i'));
    });
  }
}
