import { createHash } from 'node:crypto';
import { AudioQualityMode, PublishMode, TokenFormat } from '../../../client/index.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { APP_ID, APP_KEY, startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { Ear, ToneFeed, sender } from '../audio/sound.js';
import { row, type Check } from '../support/row.js';
import { Watch } from './watch.js';

const DOCUMENTED = {
  user_specified_audio_observer_codec: '2',
  user_specified_audio_observer_codec_format: 0,
  user_specified_audio_observer_resample_rate: '16000',
  user_specified_audio_observer_codec_bitrate: 32_000,
  user_specified_video_observer_codec: 2,
  user_specified_video_observer_codec_format: '0',
  user_specified_disable_audio_ranking: true,
};

describe('messages: parameters, tokens, version', () => {
  let daemon: RunningDaemon;
  before(async function () {
    this.timeout(20_000);
    daemon = await startDaemon();
  });
  after(async function () {
    this.timeout(20_000);
    await daemon.stop();
  });

  row(
    'documented keys are taken at creation and in the call without a word; unknown ones are listed in one warning',
    { covers: ['CreateAliRTCEngine', 'SetParameter', 'OnWarning'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const quiet = await scene.client.createEngine({ extra: { ...DOCUMENTED, data: { enablePubDataChannel: true } } });
      await using ofQuiet = new Watch(quiet);
      await quiet.setParameter(DOCUMENTED);
      await quiet.setParameter({});
      await scene.join(quiet, 'quiet');
      await quiet.setParameter(DOCUMENTED);
      const noisy = await scene.client.createEngine({ extra: '{"anyKey":1,"user_specified_new":{"a":2}}' });
      await using ofNoisy = new Watch(noisy);
      await noisy.setParameter({ data: { enablePubDataChannel: true, later: 1 }, 'x.y': 0 });
      const [created, set] = await ofNoisy.count('onWarning', 2);
      check.ok(created && set, 'two warnings');
      check.equal([created.value.warningCode, set.value.warningCode], [-1, -1]);
      for (const key of ['anyKey', 'user_specified_new', 'extra'])
        check.ok(created.value.text.includes(key), `${key} in "${created.value.text}"`);
      for (const key of ['data.later', 'x.y']) check.ok(set.value.text.includes(key), `${key} in "${set.value.text}"`);
      check.ok(!set.value.text.includes('enablePub'), 'known keys are not listed');
      // An answer that comes behind whatever could have been told.
      await quiet.getSdkVersion();
      check.equal([...ofQuiet.of('onWarning'), ...ofQuiet.of('onError')], []);
      check.equal(ofNoisy.of('onError'), []);
      await Promise.all([quiet.release(), noisy.release()]);
    },
  );

  row(
    'what is no JSON object is refused by name, at creation and later; the engine goes on',
    { covers: ['CreateAliRTCEngine', 'SetParameter', 'OnError'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const engine = await scene.engine();
      await using watch = new Watch(engine);
      for (const text of ['{"a":', '[]', '1', '"text"', 'null', 'x'.repeat(70_000)]) {
        await check.rejects(scene.client.createEngine({ extra: text }), { field: 'extra' });
        await check.rejects(engine.setParameter(text), { field: 'params' });
      }
      await check.rejects(engine.setParameter(''), { field: 'params' });
      await check.rejects(engine.setParameter({ alirtcd: { demand: {} } }), { field: 'params' });
      await engine.setParameter({ user_specified_audio_observer_codec: 'AAC' });
      const [error] = await watch.count('onError', 1);
      check.ok(error?.value.text.includes('user_specified_audio_observer_codec'), `named: "${error?.value.text}"`);
      check.equal((await engine.getSdkVersion()).length > 0, true);
      await scene.join(engine, 'still-working');
    },
  );

  row(
    'the bit rate of AAC follows its key, as bit/s or kbit/s, as text or number, at creation and in the call, in the stream that is open',
    { covers: ['SetParameter', 'CreateAliRTCEngine', 'OnSubscribeAudioAac'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const source = await sender(scene, 'source', { profile: AudioQualityMode.HIGH });
      await using _feed = await ToneFeed.start(source, { frequencies: [500], noise: true });
      const key = 'user_specified_audio_observer_codec_bitrate';
      const receiver = await scene.client.createEngine({ extra: { [key]: '32000' } });
      await scene.join(receiver, 'receiver', { publishMode: PublishMode.MANUALLY });
      await using ear = new Ear(receiver.audioAac());
      for (const [value, kbps] of [
        [undefined, 32],
        [96, 96],
        ['48', 48],
      ] as const) {
        if (value !== undefined) await receiver.setParameter({ [key]: value });
        // A new encoder takes half a second to take over.
        await ear.more(35);
        const bytes = (await ear.more(80)).reduce((sum, { data }) => sum + data.length, 0);
        const measured = (bytes * 8) / 1000 / ((80 * 1024) / 48_000);
        check.within(measured, kbps * 0.75, kbps * 1.25, `kbit/s of AAC with ${key} ${value ?? 'from the creation'}`);
      }
      const gaps = ear.heard
        .slice(1)
        .filter(({ frame }, i) => frame.sequence !== (ear.heard[i]?.frame.sequence ?? 0) + 1);
      check.equal(gaps.length, 0, 'gaps in the stream');
      await receiver.release();
    },
  );

  row(
    'GenerateToken gives the check vector; a nonce is part of the hash; the app id and key come from the key file, the expiry by default in a day',
    { covers: ['GenerateToken'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const { client } = scene;
      const given = {
        appId: 'abc',
        appKey: 'abckey',
        channel: 'abcChannel',
        userId: 'abcUser',
        timestamp: 1_699_423_634,
      };
      const { token, authInfo } = await client.generateToken(given);
      const hash = '3c9ee8d9f8734f0b7560ed8022a0590659113955819724fc9345ab8eedf84f31';
      check.equal(authInfo?.token, hash);
      check.equal(JSON.parse(Buffer.from(token, 'base64').toString('utf8')), {
        appid: 'abc',
        channelid: 'abcChannel',
        userid: 'abcUser',
        nonce: '',
        timestamp: 1_699_423_634,
        token: hash,
      });
      const withNonce = await client.generateToken({ ...given, nonce: 'AK-once' });
      const wanted = createHash('sha256').update('abcabckeyabcChannelabcUserAK-once1699423634').digest('hex');
      check.equal([withNonce.authInfo?.nonce, withNonce.authInfo?.token], ['AK-once', wanted]);
      const own = await client.generateToken({ channel: 'c', userId: 'u' });
      check.equal(own.authInfo?.appId, APP_ID);
      const { timestamp = 0 } = own.authInfo ?? {};
      check.within(timestamp - Date.now() / 1000, 86_000, 86_410, 's until it expires');
      const ownHash = createHash('sha256').update(`${APP_ID}${APP_KEY}cu${timestamp}`).digest('hex');
      check.equal(own.authInfo?.token, ownHash);
      const livekit = await client.generateToken({ channel: 'c', userId: 'u', format: TokenFormat.LIVEKIT });
      check.equal(livekit.token.split('.').length, 3);
      check.ok(livekit.channelServerUrl.startsWith('ws'), livekit.channelServerUrl);
      for (const channel of ['', 'a b', 'x'.repeat(65)])
        await check.rejects(client.generateToken({ channel, userId: 'u' }), { field: 'auth_info.channel' });
      await check.rejects(client.generateToken({ channel: 'c', userId: '/' }), { field: 'auth_info.user_id' });
      await check.rejects(client.generateToken({ channel: 'c', userId: 'u', appId: 'nobody' }), {
        reason: 'ERR_JOIN_BAD_APPID',
      });
    },
  );

  row(
    'the multi-parameter join with the parts of a token, its nonce, too; a wrong part is refused with ERR_JOIN_BAD_TOKEN and named',
    { covers: ['JoinChannel with AuthInfo', 'OnJoinChannelResult', 'GenerateToken'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const engine = await scene.engine();
      await using watch = new Watch(engine);
      const auth = async (changes: Parameters<typeof scene.client.generateToken>[0] | object = {}) => {
        const given = { channel: scene.channel, userId: 'multi', nonce: 'AK-77', ...changes };
        return (await scene.client.generateToken(given)).authInfo;
      };
      const good = await auth();
      check.ok(good, 'parts');
      const wrong = [
        { ...good, token: good.token.replace(/^./, (c) => (c === '0' ? '1' : '0')) },
        { ...good, nonce: 'AK-78' },
        { ...good, timestamp: good.timestamp + 1 },
        { ...good, channel: `${good.channel}x` },
        { ...good, userId: 'other' },
        { ...good, ...(await auth({ timestamp: 1_699_423_634 })) },
      ];
      for (const authInfo of wrong)
        await check.rejects(engine.joinChannel({ authInfo }), { reason: 'ERR_JOIN_BAD_TOKEN', number: 0x02010205 });
      await check.rejects(engine.joinChannel({ authInfo: { ...good, appId: 'nobody' } }), {
        reason: 'ERR_JOIN_BAD_APPID',
      });
      const joined = await engine.joinChannel({ authInfo: { ...good, userName: 'Zoë' } });
      check.equal([joined.channel, joined.userId], [scene.channel, 'multi']);
      const results = (await watch.count('onJoinChannelResult', 8)).map(({ value }) => value);
      check.equal(
        results.map(({ result }) => result),
        [...wrong.map(() => 0x02010205), 0x02010201, 0],
        'one result for every join',
      );
      const named = ['hash', 'hash', 'hash', 'channel', 'user', 'expired'];
      for (const [index, word] of named.entries())
        check.ok(results[index]?.text.toLowerCase().includes(word), `"${results[index]?.text}" names ${word}`);
      check.equal(results.at(-1), { result: 0, channel: scene.channel, userId: 'multi', text: '' });
      check.equal((await engine.snapshot())?.channel, scene.channel);
    },
  );

  row(
    'the version of the core service is answered before, in and after a channel',
    { covers: ['GetSdkVersion'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const engine = await scene.engine();
      const version = await engine.getSdkVersion();
      check.ok(/^\d+\.\d+/.test(version), version);
      await scene.join(engine, 'u');
      check.equal(await engine.getSdkVersion(), version);
      await engine.leaveChannel();
      check.equal(await Promise.all([1, 2, 3].map(() => engine.getSdkVersion())), [version, version, version]);
    },
  );
});
