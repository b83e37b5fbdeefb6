import { ClientRole, VideoDataFormat } from '../../../client/index.js';
import { Ear } from '../audio/sound.js';
import { Watch } from '../messages/watch.js';
import { row, type Check } from '../support/row.js';
import { CALLBACK_SCRIPT } from './callback_script.js';
import { CoreScene } from './core_scene.js';
import { FRAME_SCRIPT } from './frame_script.js';

const PEER = 'scripted core service';

describe('stand-in: callbacks of a core service written from the page of the IPC', () => {
  let scene: CoreScene;
  before(async function () {
    this.timeout(20_000);
    scene = await CoreScene.open();
  });
  after(async function () {
    this.timeout(20_000);
    await scene.close();
  });

  row(
    'every callback of the page reaches the client with each of its fields, in the order in which the core said them; numbers that are not known are passed over',
    { covers: CALLBACK_SCRIPT.map(({ covers }) => covers), peer: PEER },
    async (check: Check) => {
      // SET_PARAMETER ignored: a core that never says how much it consumed tells the edges of its buffers itself.
      const { engine, core } = await scene.start(['SET_PARAMETER']);
      await scene.join(engine);
      await using watch = new Watch(engine);
      await watch.count('onJoinChannelResult', 1);
      for (const { name, fields, payload } of CALLBACK_SCRIPT) {
        core.send(name, fields, payload);
        core.sendNumber(1033 + Math.floor(Math.random() * 4), { anything: { at: ['all'] } });
      }
      for (const request of [1035, 1036, 1038, 1041, 1046, 1052, 1056, 1058, 1068, 4711, -1])
        core.sendNumber(request, { uid: 'x', vector: 'Null', score: 0.5 });
      core.sendAfterFrames('REMOTE_USER_ONLINE', { uid: 'the-end' });
      await watch.count('onRemoteUserOnLineNotify', 2);
      const heard = watch.events.slice(watch.events.findIndex(({ type }) => type === 'onJoinChannelResult') + 1);
      const told = heard.filter(({ type }) => type !== 'engineStateChanged' && type !== 'snapshot').slice(0, -1);
      check.equal(
        told.map(({ type }) => type),
        CALLBACK_SCRIPT.map(({ event }) => event),
        'the order of the events',
      );
      for (const [index, { event, value }] of CALLBACK_SCRIPT.entries())
        check.equal(plain(told[index]?.value), plain(value), `fields of ${event}`);
      check.ok((await engine.getSdkVersion()) === 'scripted', 'the engine goes on');
      await engine.release();
    },
  );

  row(
    'frames of all six kinds, with payloads in any number of units, come bit by bit the same with all their fields, also without any of our extensions',
    { covers: FRAME_SCRIPT.map(({ covers }) => covers), peer: PEER },
    async (check: Check) => {
      // SET_PARAMETER ignored: this core gives no credits and heeds no demand, as the vendor's.
      const { engine, core } = await scene.start(['SET_PARAMETER']);
      await scene.join(engine);
      for (const { name, covers, fields, payloadBytes, open, wanted } of FRAME_SCRIPT) {
        await using ear = new Ear<{ data: Buffer }>(open(engine));
        // The stream stands when its demand was told.
        await core.count('SET_PARAMETER', core.of('SET_PARAMETER').length);
        const payload = Buffer.alloc(payloadBytes, 0x11);
        for (let i = 0; i < payload.length; i += 97) payload[i] = i & 255;
        // H.264 begins with a key frame, and this core does not say which ones are.
        if (covers === 'OnRemoteVideoEncodedSample')
          Buffer.from('000000016742c01f0000000168ce3c800000000165', 'hex').copy(payload);
        let frame: { data: Buffer } | undefined;
        for (let attempt = 0; attempt < 50 && frame === undefined; attempt++) {
          core.send(name, fields, payload);
          await ear.until(() => true, 0, 100).catch(() => undefined);
          frame = ear.heard[0]?.frame;
        }
        check.ok(frame, `${covers} without the extension`);
        check.equal(frame.data.equals(payload), true, `bytes of ${covers}`);
        const {
          data: _data,
          sequence,
          captureTimeUs,
          droppedBefore,
          discontinuity,
          release: _release,
          ...rest
        } = frame as never as Record<string, unknown>;
        check.equal(rest, wanted, `fields of ${covers}`);
        check.equal([sequence, droppedBefore, discontinuity], [1, 0, false], `count of ${covers}`);
        check.within(Number(captureTimeUs) / 1000, Date.now() - 20_000, Date.now() + 1000, `time of ${covers}, ms`);
      }
      await engine.release();
    },
  );

  row(
    'a core that never answers with our extension is pushed to all the same, and says itself when its buffers are full',
    {
      covers: [
        'PushExternalAudioFrameRawData',
        'PushExternalVideoFrame',
        'OnPushAudioFrameBufferFull',
        'OnPushVideoFrameBufferFull',
      ],
      peer: PEER,
    },
    async (check: Check) => {
      const { engine, core } = await scene.start(['SET_PARAMETER']);
      await engine.setExternalAudioSource(true, { sampleRateHz: 16_000 });
      await engine.setExternalVideoSource(true);
      await engine.setClientRole(ClientRole.INTERACTIVE);
      await scene.join(engine);
      await engine.publishLocalAudioStream(true);
      await engine.publishLocalVideoStream(true);
      await using watch = new Watch(engine);
      // Three seconds: more than the 200 ms that a core of ours holds.
      const audio = engine.audioPush();
      for (let n = 0; n < 150; n++) await audio.push({ data: Buffer.alloc(640), timestampMs: n * 20 });
      await audio.end();
      await core.count('PUSH_AUDIO_FRAME', 150);
      check.equal(
        core.of('PUSH_AUDIO_FRAME').reduce((sum, { payloadBytes }) => sum + payloadBytes, 0),
        150 * 640,
      );
      const picture = { width: 64, height: 48, format: VideoDataFormat.I420, data: Buffer.alloc(64 * 72) };
      const video = engine.videoPush();
      for (let n = 0; n < 30; n++) await video.push({ ...picture, timestampMs: n * 40 });
      await video.end();
      await core.count('PUSH_VIDEO_FRAME', 30);
      check.equal(core.of('PUSH_VIDEO_FRAME').length, 30, 'pictures');
      for (const success of [true, false]) {
        core.send('AUDIO_BUFFER_FULL', { success });
        core.send('VIDEO_BUFFER_FULL', { success });
      }
      const edges = [
        ...(await watch.count('onPushAudioFrameBufferFull', 2)),
        ...(await watch.count('onPushVideoFrameBufferFull', 2)),
      ];
      check.equal(
        edges.map(({ value }) => value.isFull),
        [true, false, true, false],
      );
      check.equal(await engine.getRemainDataBufferSize(), { audioBufferMs: 120, videoBufferFrames: 3 });
      await engine.release();
      await core.command('DESTROY_ENGINE');
      check.equal(core.commands.at(-1)?.command.Command, 23);
    },
  );
});

/** Buffers and byte arrays as hex, so that they compare. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, one: unknown) => {
      if (typeof one === 'object' && one !== null && 'type' in one && one.type === 'Buffer' && 'data' in one)
        return Buffer.from(one.data as number[]).toString('hex');
      return one instanceof Uint8Array ? Buffer.from(one).toString('hex') : one;
    }),
  );
}
