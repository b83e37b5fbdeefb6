import assert from 'node:assert/strict';
import { ERROR_NUMBERS } from '../../../common/error_codes.js';
import {
  ConnectionStatus,
  PublishState,
  SubscribeState,
  VideoDataFormat,
  VideoTrackType,
} from '../../../coreservice/ipc/enums.js';
import { encodePictures } from '../../support/media/encode_pictures.js';
import { NumberedPictures, readPictureNumber } from '../../support/media/numbered_picture.js';
import { Feed } from './feed.js';
import { APP_ID, ChannelServerUnderTest, hashFor, HostedCore, joinAs, joinConfig, tokenFor } from './support.js';

describe('core services in one channel', () => {
  let server: ChannelServerUnderTest;
  const open: HostedCore[] = [];

  async function core(): Promise<HostedCore> {
    const host = await HostedCore.start({ env: { ALIRTC_CHANNEL_SERVER_URL: server.url } });
    open.push(host);
    return host;
  }

  async function watcher(channel: string): Promise<HostedCore> {
    const host = await core();
    const demand = { pictures: [{ uid: '*', track: -1 }], encoded: [{ uid: '*', track: -1 }] };
    host.send('SET_PARAMETER', { param: JSON.stringify({ alirtcd: { demand } }) });
    await joinAs(host, 'watcher', channel, { publishMode: 1 });
    return host;
  }

  before(async () => {
    server = await ChannelServerUnderTest.start();
  });
  afterEach(async () => {
    for (const host of open.splice(0)) await host[Symbol.asyncDispose]();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('show screen and camera at once, each by its own track type', async () => {
    const [sender, receiver] = [await core(), await watcher('screen')];
    await joinAs(sender, 'alice', 'screen', { publishMode: 1 });
    sender.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable: true });
    sender.send('PUBLISH_SCREEN_SHARE_STREAM', { enable: true });
    await using _camera = new Feed(sender, { width: 320, height: 240, rate: 10 });
    await using _screen = new Feed(sender, { width: 480, height: 270, rate: 5, source: 1 });
    for (const track of [VideoTrackType.CameraLarge, VideoTrackType.ScreenShare]) {
      const { fields, payload } = await receiver.until('DECODED_VIDEO_FRAME', (one) => one.fields.track === track);
      assert.notEqual(readPictureNumber(payload ?? Buffer.alloc(0), fields.width, fields.height), undefined);
    }
    await receiver.until('SCREEN_SUBSCRIBE_STATE', ({ fields }) => fields.newState === SubscribeState.Subscribed);
    assert.equal(receiver.of('REMOTE_TRACKS_AVAILABLE').at(-1)?.fields.videoTrack, 3);
  });

  it('switch to the small stream and back without an unreadable picture', async () => {
    const [sender, receiver] = [await core(), await watcher('dual')];
    sender.send('PUBLISH_LOCAL_DUAL_STREAM', { enable: true });
    sender.send('SET_VIDEO_ENCODER_CONFIGURATION', {
      dimensions: { width: 640, height: 480 },
      frameRate: 10,
      bitrate: 0,
      mirrorMode: 0,
      rotationMode: 0,
      orientationMode: 0,
      keyFrameInterval: 0,
      minBitrate: 0,
    });
    await joinAs(sender, 'alice', 'dual', { publishMode: 1 });
    sender.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable: true });
    await sender.until('DUAL_PUBLISH_STATE', ({ fields }) => fields.newState === PublishState.Published);
    await using _feed = new Feed(sender, { width: 640, height: 480, rate: 10 });
    const types: number[] = [];
    for (const type of [1, 2, 1]) {
      receiver.send('SET_REMOTE_VIDEO_STREAM_TYPE', { uid: 'alice', streamType: type });
      await receiver.until(
        'SUBSCRIBED_STREAM_TYPE',
        ({ fields }) => fields.newState === type && receiver.of('SUBSCRIBED_STREAM_TYPE').length > types.length,
      );
      types.push(type);
      const seen = receiver.of('DECODED_VIDEO_FRAME').length;
      await receiver.until('DECODED_VIDEO_FRAME', () => receiver.of('DECODED_VIDEO_FRAME').length > seen + 3);
    }
    const pictures = receiver.of('DECODED_VIDEO_FRAME');
    assert.deepEqual([...new Set(pictures.map(({ fields }) => fields.width))].sort(), [320, 640]);
    const unreadable = pictures.filter(
      ({ fields, payload }) => readPictureNumber(payload ?? Buffer.alloc(0), fields.width, fields.height) === undefined,
    );
    assert.equal(unreadable.length, 0, `${unreadable.length} of ${pictures.length}`);
  });

  it('carry SEI messages once each, and data messages', async () => {
    const [sender, receiver] = [await core(), await watcher('extras')];
    const on = JSON.stringify({ data: { enablePubDataChannel: true, enableSubDataChannel: true } });
    for (const host of [sender, receiver]) host.send('SET_PARAMETER', { param: on });
    await joinAs(sender, 'alice', 'extras', { publishMode: 1 });
    sender.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable: true });
    await sender.until('CAMERA_PUBLISH_STATE', ({ fields }) => fields.newState === PublishState.Published);
    await using _feed = new Feed(sender, { width: 320, height: 240, rate: 10 });
    await receiver.until('CAMERA_SUBSCRIBE_STATE', ({ fields }) => fields.newState === SubscribeState.Subscribed);
    for (const [text, repeatCount] of [
      ['first', 5],
      ['second', 1],
    ] as const) {
      const sent = Buffer.concat([Buffer.from(text), Buffer.alloc(1000, 0)]);
      sender.send('SEND_MEDIA_EXTENSION_MSG', { repeatCount, delay: 0, isKeyFrame: false }, sent);
      const { fields, payload } = await receiver.until('SEI_RECEIVED', (one) => one.payload?.equals(sent) === true);
      assert.equal(fields.userid, 'alice');
      assert.equal(payload?.length, sent.length);
    }
    assert.equal(receiver.of('SEI_RECEIVED').length, 2);
    sender.send('SEND_DATA_CHANNEL_MSG', { networkTime: 1, progress: 2, type: 2 }, Buffer.from('data'));
    const { fields, payload } = await receiver.until('DATA_CHANNEL_MESSAGE');
    assert.deepEqual(
      [fields.uid, fields.networkTime, fields.progress, fields.type, payload?.toString()],
      ['alice', 1, 2, 2, 'data'],
    );
  });

  it('pass pushed H.264 on bit by bit', async () => {
    const [sender, receiver] = [await core(), await watcher('h264')];
    await joinAs(sender, 'alice', 'h264', { publishMode: 1 });
    sender.send('SET_EXTERNAL_VIDEO_SOURCE', { enable: true, source: 0, renderMode: 0 });
    sender.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable: true });
    await receiver.until('CAMERA_SUBSCRIBE_STATE', ({ fields }) => fields.newState === SubscribeState.Subscribing);
    const units = encodePictures('h264', new NumberedPictures(320, 240, 10), 60, 5);
    const fields = {
      source: 0,
      format: VideoDataFormat.H264,
      bufferType: 0,
      strideY: 0,
      strideU: 0,
      strideV: 0,
      height: 240,
      width: 320,
      rotation: 0,
      timestamp: 0,
    };
    for (const { data } of units) {
      sender.send('PUSH_VIDEO_FRAME', fields, data);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    const received = receiver.of('ENCODED_VIDEO_SAMPLE').map(({ payload }) => payload ?? Buffer.alloc(0));
    assert.ok(received.length > 20, `${received.length} samples`);
    const foreign = received.filter((sample) => !units.some(({ data }) => slicesOf(data).equals(slicesOf(sample))));
    assert.equal(foreign.length, 0, `${foreign.length} of ${received.length} samples were never pushed`);
  });

  it('removes the earlier one of the same user with ERR_LEAVE_UNUSUAL', async () => {
    const [first, second] = [await core(), await core()];
    await joinAs(first, 'alice', 'twice');
    await joinAs(second, 'alice', 'twice');
    const { fields } = await first.until('ERROR');
    assert.equal(fields.errorCode, ERROR_NUMBERS.ERR_LEAVE_UNUSUAL);
    await joinAs(first, 'bob', 'twice');
  });

  const refusals: [title: string, join: Parameters<HostedCore['send']>, number: number, text: RegExp][] = [
    [
      'an expired token',
      ['JOIN_CHANNEL_V2', v2('room', 'alice', { token: tokenFor('room', 'alice', -10) })],
      ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN,
      /expired/,
    ],
    [
      'the token of another channel',
      ['JOIN_CHANNEL_V2', v2('room', 'alice', { token: tokenFor('other', 'alice') })],
      ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN,
      /other/,
    ],
  ];
  for (const [title, join, number, text] of refusals)
    it(`answers a join with ${title} by its reason`, async () => {
      const host = await core();
      host.send(...join);
      const { fields } = await host.until('JOIN_RESULT');
      assert.equal(fields.joinresult, number);
      assert.match(String(fields.alirtcd?.['text']), text);
    });

  it('joins with several parameters', async () => {
    const host = await core();
    const timestamp = Math.floor(Date.now() / 1000) + 100;
    const authInfo = {
      channel: 'several',
      userid: 'alice',
      username: 'Alice',
      appid: APP_ID,
      nonce: 'AK-1',
      role: '',
      token: hashFor('several', 'alice', 'AK-1', timestamp),
      timestamp,
    };
    host.send('JOIN_CHANNEL', { authInfo, config: joinConfig() });
    assert.equal((await host.until('JOIN_RESULT')).fields.joinresult, 0);
  });

  it('refuses another profile than that of the first user', async () => {
    const [first, second] = [await core(), await core()];
    await joinAs(first, 'alice', 'profile', { channelProfile: 1 });
    second.send('JOIN_CHANNEL_V2', v2('profile', 'bob', {}));
    assert.equal((await second.until('JOIN_RESULT')).fields.joinresult, 0x02010903);
  });

  it('is seen to go when its host vanishes in the channel', async () => {
    const [first, second] = [await core(), await core()];
    await joinAs(first, 'alice', 'vanish');
    await joinAs(second, 'bob', 'vanish');
    await second.until('REMOTE_USER_ONLINE', ({ fields }) => fields.uid === 'alice');
    first.connection.destroy();
    await second.until('REMOTE_USER_OFFLINE', ({ fields }) => fields.uid === 'alice', 5000);
    assert.equal(await first.core.exited, 0);
  });

  it('tells Reconnecting, and then Failed with its error, when the channel server stays away', async () => {
    await using lost = await ChannelServerUnderTest.start();
    const host = await HostedCore.start({ env: { ALIRTC_CHANNEL_SERVER_URL: lost.url } });
    open.push(host);
    host.send('SET_PARAMETER', { param: '{"alirtcd":{"reconnectLimitMs":2000}}' });
    await joinAs(host, 'alice', 'lost', { publishMode: 1 });
    lost.child.kill('SIGKILL');
    await host.until('CONNECTION_STATUS', ({ fields }) => fields.status === ConnectionStatus.Reconnecting);
    await host.until('CONNECTION_STATUS', ({ fields }) => fields.status === ConnectionStatus.Failed);
    assert.equal((await host.until('ERROR')).fields.errorCode, ERROR_NUMBERS.ERR_NETWORK_RECONNECT_FAIL);
  });

  it('sees audience that becomes a streamer, and not before', async () => {
    const [first, second] = [await core(), await core()];
    await joinAs(first, 'alice', 'roles', { channelProfile: 1 });
    await joinAs(second, 'bob', 'roles', { channelProfile: 1 });
    assert.equal(second.of('REMOTE_USER_ONLINE').length, 0);
    first.send('SET_CLIENTROLE', { role: 0 });
    await first.until('ROLE_UPDATE');
    await second.until('REMOTE_USER_ONLINE', ({ fields }) => fields.uid === 'alice');
    assert.equal(first.of('REMOTE_USER_ONLINE').length, 0);
  });
});

function v2(channel: string, userid: string, change: { token?: string }): Parameters<HostedCore['send']>[1] {
  return { token: tokenFor(channel, userid), channel, userid, username: '', config: joinConfig(), ...change } as never;
}

/** Parameter sets may be put in front of key frames on the way: the slices have to be the same. */
function slicesOf(accessUnit: Buffer): Buffer {
  const first = accessUnit.findIndex((_byte, at) => {
    const type = (accessUnit[at + 3] ?? 0) & 0x1f;
    return accessUnit.readUIntBE(Math.min(at, accessUnit.length - 3), 3) === 1 && (type === 1 || type === 5);
  });
  return accessUnit.subarray(first);
}
