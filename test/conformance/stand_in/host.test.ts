import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { AlirtcClient } from '../../../client/index.js';
import { readPictureNumber } from '../../support/media/numbered_picture.js';
import { steadyToneShare } from '../../support/media/tones.js';
import { APP_ID, APP_KEY, startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { samplesOf } from '../audio/sound.js';
import { row, type Check } from '../support/row.js';
import { RATE, SIZE, push } from './host_feed.js';
import { ScriptedHost } from './scripted_host.js';

const PEER = 'scripted host';

describe('stand-in: a host written from the page of the IPC, as the wrapper of the vendor', () => {
  let daemon: RunningDaemon;
  let client: AlirtcClient;
  before(async function () {
    this.timeout(20_000);
    // Only its channel server is used, and its tokens; the cores are started by the host.
    daemon = await startDaemon();
    client = await AlirtcClient.connect(daemon.address);
  });
  after(async function () {
    this.timeout(20_000);
    client.close();
    await daemon.stop();
  });

  const host = (extra: object | string = {}): Promise<ScriptedHost> =>
    ScriptedHost.start(extra, { ALIRTC_CHANNEL_SERVER_URL: daemon.ready.channelServerUrl });

  const config = (changes: object = {}): object => ({
    isAudioOnly: false,
    channelProfile: 0,
    publishMode: 0,
    subscribeMode: 1,
    publishAvsyncMode: 0,
    publishAvsyncWithPtsMaxAudioCacheSize: 300,
    publishAvsyncWithPtsMaxVideoCacheSize: 100,
    subscribeVideoFormat: 1,
    subscribeAudioFormat: 2,
    ttsVad: false,
    ...changes,
  });

  async function joinV2(one: ScriptedHost, channel: string, userid: string, changes: object = {}): Promise<void> {
    const { token } = await client.generateToken({ channel, userId: userid });
    one.send({ Command: 24, token, channel, userid, username: userid, config: config(changes) });
    const { fields } = await one.until(1001);
    if (fields['joinresult'] !== 0) throw new Error(JSON.stringify(fields));
  }

  row(
    'two hosts: both joins with AliRTC tokens, pushing, 39 before 16, pictures, encoded pictures and sound by the join alone, role, SEI, data, leave, DESTROY and exit; every number and key as the page lists them',
    {
      covers: [
        'JoinChannel',
        'JoinChannel with AuthInfo',
        'PushExternalVideoFrame',
        'PushExternalAudioFrameRawData',
        'SubscribeRemoteAudioStream',
        'SubscribeRemoteVideoStream',
        'OnRemoteVideoSample',
        'OnRemoteVideoEncodedSample',
        'OnSubscribeAudioFrame',
        'SendMediaExtensionMsg',
        'OnMediaExtensionMsgReceived',
        'SendDataChannelMessage',
        'OnDataChannelMsg',
        'GetSdkVersion',
        'LeaveChannel',
        'Release',
      ],
      peer: PEER,
    },
    async (check: Check) => {
      const extra = { user_specified_video_observer_codec: 2, user_specified_audio_observer_codec: '2' };
      await using listener = await host(extra);
      await using sender = await host();
      for (const one of [listener, sender]) {
        one.send({ Command: 40 });
        check.ok(String((await one.until(1040)).fields['sdkVersion']).length > 0, 'a version');
        one.send({ Command: 21, param: '{"data":{"enablePubDataChannel":true,"enableSubDataChannel":true}}' });
      }
      await joinV2(listener, 'hosts', 'listener');
      const timestamp = Math.floor(Date.now() / 1000) + 3600;
      const nonce = 'AK-host';
      const token = createHash('sha256').update(`${APP_ID}${APP_KEY}hostssender${nonce}${timestamp}`).digest('hex');
      const authInfo = {
        channel: 'hosts',
        userid: 'sender',
        username: 'S',
        appid: APP_ID,
        nonce,
        role: '',
        token,
        timestamp,
      };
      sender.send({ Command: 7, enable: true, source: 0, renderMode: 0 });
      sender.send({ Command: 8, enable: true, sampleRate: RATE, channelsPerFrame: 1 });
      sender.send({
        Command: 13,
        dimensions: SIZE,
        frameRate: 15,
        bitrate: 300,
        mirrorMode: 0,
        rotationMode: 0,
        orientationMode: 0,
        keyFrameInterval: 1000,
        minBitrate: 0,
      });
      sender.send({ Command: 2, authInfo, config: config() });
      const joined = await sender.until(1001);
      check.equal(joined.fields, { Request: 1001, joinresult: 0, channel: 'hosts', userid: 'sender' });
      await sender.until(1014, ({ fields }) => fields['newState'] === 3);
      await sender.until(1015, ({ fields }) => fields['newState'] === 3);
      await listener.until(1005, ({ fields }) => fields['uid'] === 'sender');
      await listener.until(1007, ({ fields }) => fields['audioTrack'] === 1 && fields['videoTrack'] === 1);
      const feed = push(sender);
      await delay(300);
      check.equal(
        [...listener.of(1021), ...listener.of(1022), ...listener.of(1025)].length,
        0,
        'frames before subscribing',
      );
      await listener.subscribeAudio('sender', true);
      listener.send({ Command: 17, uid: 'sender', videoTrack: 1, sub: true });
      for (const request of [1008, 1009]) {
        const { fields } = await listener.until(request, (said) => said.fields['newState'] === 3);
        check.equal([fields['uid'], fields['channel']], ['sender', 'hosts'], `subscribed ${request}`);
      }
      await listener.until(1010, ({ fields }) => fields['newState'] === 1);
      await listener.until(1021, () => listener.of(1021).length >= 20);
      await listener.until(1022, () => listener.of(1022).length >= 150);
      await listener.until(1025, () => listener.of(1025).length >= 20);
      await listener.until(1026, () => listener.of(1026).length >= 20);
      const numbers = listener.of(1021).map(({ fields, payload }) => {
        check.equal([fields['width'], fields['height'], payload.length], [320, 240, 320 * 360]);
        return readPictureNumber(payload, 320, 240);
      });
      check.ok(
        numbers.every((number, index) => number !== undefined && number > (numbers[index - 1] ?? -1)),
        'in order',
      );
      check.ok(
        listener.of(1021).every(({ fields }) => !JSON.stringify(fields['alirtcd'] ?? {}).includes('"ring"')),
        'no picture in shared memory for a host that did not ask for it',
      );
      const encoded = listener.of(1025);
      check.ok(
        encoded.every(({ payload }) => payload.readUInt32BE() === 1 || payload.readUIntBE(0, 3) === 1),
        'Annex B',
      );
      const sound = samplesOf(
        Buffer.concat(
          listener
            .of(1022)
            .slice(50, 150)
            .map(({ payload }) => payload),
        ),
      );
      check.within(steadyToneShare(sound, 48_000, 600), 0.95, 1, 'the tone');
      const { sample_rates, samples, channels, sample_bits, frame_ms } = listener.of(1022)[0]?.fields ?? {};
      check.equal([sample_rates, samples, channels, sample_bits, frame_ms], [48_000, 480, 1, 16, 10]);
      check.ok(
        listener.of(1026).every(({ payload }) => payload.readUInt16BE() >> 4 === 0xfff),
        'ADTS',
      );
      check.equal(listener.of(1023).length, 0, 'mixed sound, which the join did not ask for');

      const sei = Buffer.alloc(4096, 0x51);
      sender.send({ Command: 15, repeatCount: 2, delay: 0, isKeyFrame: false, length: sei.length }, sei);
      const heard = await listener.until(1019);
      check.equal([heard.fields['userid'], heard.payload.equals(sei)], ['sender', true]);
      const data = Buffer.from('over the channel');
      sender.send({ Command: 22, networkTime: 1_700_000_000_000, progress: 3, type: 2, dataLen: data.length }, data);
      const message = await listener.until(1020);
      check.equal(
        [message.fields['uid'], message.fields['networkTime'], message.fields['type']],
        ['sender', 1_700_000_000_000, 2],
      );
      check.equal(message.payload.toString(), 'over the channel');
      sender.send({ Command: 32, dataType: 2 });
      check.ok(Number((await sender.until(1029)).fields['audioBufferSize']) >= 0, 'remaining buffer');
      await listener.until(1062, () => listener.of(1062).length >= 2);
      for (const [one, request] of [
        [sender, 1063],
        [listener, 1064],
        [sender, 1065],
        [listener, 1066],
      ] as const)
        await one.until(request);

      await listener.subscribeAudio('sender', false);
      await listener.until(1008, ({ fields }) => fields['newState'] === 1);
      await feed.stop();
      sender.send({ Command: 6 });
      check.equal((await sender.until(1004)).fields['leaveresult'], 0);
      await listener.until(1006, ({ fields }) => fields['uid'] === 'sender');
      for (const one of [sender, listener]) {
        const from = performance.now();
        check.equal(await one.destroy(), 0, 'exit code after DESTROY_ENGINE');
        check.within(performance.now() - from, 0, 3000, 'ms until the exit');
        check.equal(one.violations, [], 'what a host of closed lists cannot read');
        check.equal(one.of(1017), [], 'errors');
      }
    },
  );

  row(
    'the join alone decides what is delivered: mixed sound with the rate of extra, no video, isAudioOnly; H.264 alone; nothing at all',
    {
      covers: ['JoinChannel', 'CreateAliRTCEngine', 'OnSubscribeMixAudioFrame', 'OnRemoteVideoEncodedSample'],
      peer: PEER,
    },
    async (check: Check) => {
      await using sender = await host();
      sender.send({ Command: 7, enable: true, source: 0, renderMode: 0 });
      sender.send({ Command: 8, enable: true, sampleRate: RATE, channelsPerFrame: 1 });
      await joinV2(sender, 'formats', 'sender');
      const feed = push(sender);
      const frames = [1021, 1022, 1023, 1025, 1026, 1027];
      const cases = [
        {
          extra: { user_specified_audio_observer_resample_rate: '8000' },
          changes: { subscribeMode: 0, subscribeAudioFormat: 1, subscribeVideoFormat: 0 },
          wanted: [1023],
        },
        {
          extra: { user_specified_audio_observer_codec: 1, user_specified_video_observer_codec: '1' },
          changes: { subscribeMode: 0, subscribeAudioFormat: 1 },
          wanted: [1025, 1027],
        },
        { extra: {}, changes: { subscribeMode: 0, isAudioOnly: true, publishMode: 1 }, wanted: [1022] },
        { extra: '', changes: { subscribeMode: 0, subscribeAudioFormat: 0, subscribeVideoFormat: 0 }, wanted: [] },
      ];
      await Promise.all(
        cases.map(async ({ extra, changes, wanted }, index) => {
          await using one = await host(extra);
          await joinV2(one, 'formats', `listener${index}`, { publishMode: 1, ...changes });
          for (const request of wanted) await one.until(request, () => one.of(request).length >= 20);
          await delay(1000);
          check.equal(
            frames.filter((request) => one.of(request).length > 0),
            wanted,
            `kinds of frames with ${JSON.stringify(changes)} and ${JSON.stringify(extra)}`,
          );
          if (index === 0) check.equal(one.of(1023)[0]?.fields['sample_rates'], 8000);
          check.equal(await one.destroy(), 0);
          check.equal(one.violations, []);
        }),
      );
      await feed.stop();
      check.equal(await sender.destroy(), 0);
      check.equal(sender.violations, []);
    },
  );

  row(
    'everything that goes wrong is told with numbers of the closed list: tokens, joins, pushes, parameters, commands nobody knows; the core goes on',
    { covers: ['OnError', 'OnJoinChannelResult', 'OnWarning'], peer: PEER },
    async (check: Check) => {
      await using one = await host({ nobodyKnows: 1 });
      check.equal((await one.until(1018)).fields['warningCode'], -1);
      const { token } = await client.generateToken({ channel: 'wrong', userId: 'user' });
      const wrong: [object, number][] = [
        [{ token: 'nonsense', channel: 'wrong', userid: 'user' }, 0x02010205],
        [{ token, channel: 'other', userid: 'user' }, 0x02010205],
        [{ token, channel: 'wrong', userid: 'other' }, 0x02010205],
        [{ token: '', channel: 'wrong', userid: 'user' }, 0x01030302],
        [{ token, channel: 'not a channel', userid: 'user' }, 0x01030101],
      ];
      for (const [join, number] of wrong) {
        const from = one.said.length;
        one.send({ Command: 24, ...join, username: '', config: config() });
        const { fields } = await one.until(1001, undefined, from);
        check.equal(fields['joinresult'], number, JSON.stringify({ ...join, token: undefined }));
      }
      one.send({ Command: 4711, anything: true });
      one.send({ Command: 43, number: '0' });
      one.send({ Command: 21, param: '{"broken' });
      await one.until(1017);
      one.send({ Command: 30, volume: 500 });
      one.send({ Command: 8, enable: true, sampleRate: 11, channelsPerFrame: 9 });
      one.send(
        { Command: 4, sampleLength: 3, timestamp: 0, isEndFrame: 0, frameID: '', sentenceID: 0, sequenceID: 0 },
        Buffer.alloc(3),
      );
      one.send({ Command: 15, repeatCount: 1, delay: 0, isKeyFrame: false, length: 5 }, Buffer.alloc(5));
      one.send({ Command: 6 });
      check.equal((await one.until(1004)).fields['leaveresult'], 0, 'leaving without a channel');
      one.send({ Command: 24, token, channel: 'wrong', userid: 'user', username: '', config: config() });
      await one.until(1001, ({ fields }) => fields['joinresult'] === 0);
      check.equal(await one.destroy(), 0);
      check.equal(one.violations, []);
      check.ok(one.of(1017).length >= 4, `errors: ${one.of(1017).length}`);
    },
  );
});
