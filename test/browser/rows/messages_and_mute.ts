import assert from 'node:assert/strict';
import { AudioTrack, DataMsgType, VideoTrack } from '../../../client/index.js';
import { EventRecord } from '../../conformance/video/support/event_record.js';
import { LiveFeed } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { level } from '../../support/media/tones.js';
import { listen } from '../support/fake_devices.js';
import { PictureView } from '../support/picture_view.js';
import { row, type Rig } from '../support/row.js';

const TOPIC = 'alirtc.data';
const BOTH_WAYS = { data: { enablePubDataChannel: true, enableSubDataChannel: true } };
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The data channel and mute, both ways. */
export function messageAndMuteRows(rig: Rig): void {
  row(rig, 'messages go both ways on the documented topic', async (scene) => {
    const engine = await scene.engine('bot');
    await engine.setParameter(BOTH_WAYS);
    using events = new EventRecord(engine);
    const tab = await scene.browser('alice');
    await events.first('onRemoteUserOnLineNotify');

    const message = { type: DataMsgType.CUSTOM, networkTimeMs: 1_700_000_000_000, progress: 7 };
    await engine.sendDataChannelMessage({ ...message, data: Buffer.from('to the page: grüße') });
    const got = await tab.waitFor((e) => e.event === 'data' && e.topic === TOPIC);
    assert.ok(got.event === 'data');
    assert.equal(got.identity, 'bot');
    const [line, text] = Buffer.from(got.payload, 'base64').toString('utf8').split('\n');
    assert.deepEqual(JSON.parse(line ?? ''), { type: 2, networkTime: 1_700_000_000_000, progress: 7 });
    assert.equal(text, 'to the page: grüße');

    const send = (topic: string, payload: string) =>
      tab.call('send_data', { topic, payload: base64(payload), reliable: true });
    await send('chat', 'not for engines');
    await send(TOPIC, 'plain');
    await send(TOPIC, '{"type":1,"networkTime":5,"progress":42}\nstructured');
    await events.first('onDataChannelMsg', ({ msg }) => msg?.progress === 42);
    const messages = events.of('onDataChannelMsg').map(({ value: { uid, msg } }) => ({
      uid,
      type: msg?.type,
      text: Buffer.from(msg?.data ?? []).toString('utf8'),
    }));
    assert.deepEqual(messages, [
      { uid: 'alice', type: DataMsgType.CUSTOM, text: 'plain' },
      { uid: 'alice', type: DataMsgType.PROGRESS, text: 'structured' },
    ]);
  });

  row(rig, "a browser's mute is told to an engine, and ends when it does", async (scene) => {
    const engine = await scene.engine('bot');
    using events = new EventRecord(engine);
    const tab = await scene.browser('alice');
    await tab.call('publish_camera', {
      width: 640,
      height: 360,
      framesPerSecond: 15,
      codec: 'vp8',
      simulcast: false,
    });
    await tab.call('publish_microphone', {});
    using view = new PictureView(engine, 'alice');
    await view.next(10);
    const state = () => events.of('onRemoteTrackAvailableNotify').at(-1)?.value;
    for (const muted of [true, false]) {
      for (const source of ['camera', 'microphone'] as const) await tab.call('set_muted', { source, muted });
      await eventually(() => {
        const right =
          (state()?.audioTrack === AudioTrack.MIC) === !muted && (state()?.videoTrack === VideoTrack.CAMERA) === !muted;
        return right ? undefined : `muted ${muted}: ${JSON.stringify(state())}`;
      });
    }
    await view.next(10);
    assert.ok(level(await listen(engine, 'alice', 1.5)) > 0.02, 'no sound after the mute');
  });

  row(rig, "an engine's mute is silence and black in a page, and ends when it does", async (scene) => {
    const engine = await scene.engine('bot');
    const feed = await LiveFeed.start(engine, { width: 640, height: 360, framesPerSecond: 15, frequency: 880 });
    const tab = await scene.browser('alice');
    await tab.waitFor((e) => e.event === 'first_picture');
    for (const muted of [false, true, false]) {
      await engine.muteLocalCamera(muted);
      await engine.muteLocalMic(muted);
      let readable = 0;
      await eventually(async () => {
        const seen = (await tab.call('report', {})).participants['bot'];
        const { level: loudness = 0, tones } = seen?.audio[0] ?? {};
        const { thumbnail = [] } = seen?.video[0] ?? {};
        readable += seen?.video[0]?.readable ?? 0;
        const black = thumbnail.length > 0 && thumbnail.every((luma) => luma < 20);
        const right = muted ? black && loudness < 0.001 : readable > 5 && (tones?.['880'] ?? 0) > 0.9;
        return right ? undefined : `muted ${muted}: level ${loudness}, ${readable} readable, ${thumbnail.join()}`;
      });
      if (muted) await scene.screenshots('muted');
    }
    // The stream stays published: nobody is told of a track that changed.
    const told = tab.events.filter(({ event }) => /muted|unsubscribed/.test(event));
    assert.deepEqual(told, []);
    await feed.stop();
  });
}
