import assert from 'node:assert/strict';
import {
  MuteTrackRequest,
  SubscriptionError,
  UpdateSubscription,
  UpdateTrackSettings,
  VideoQuality,
} from '@livekit/protocol';
import { eventually } from '../../support/eventually.js';
import { RtcPeer } from '../../support/rtc_peer/index.js';
import { MediaClient } from './media_client.js';
import { RunningServer, tokenFor } from './running_server.js';

describe('A simulcast track of an official participant', function () {
  this.timeout(60_000);
  let server: RunningServer;
  let alice: RtcPeer;
  let sid: string;

  before(async () => {
    [server, alice] = await Promise.all([RunningServer.start(), RtcPeer.start()]);
    await alice.call('connect', { url: server.url, token: await tokenFor('layers', 'alice') });
    const video = { width: 960, height: 540, framesPerSecond: 10, codec: 'vp8', simulcast: true } as const;
    ({ sid } = await alice.call('publish_video', { ...video, maxBitrate: 1_000_000 }));
  });
  after(async () => {
    await alice.close();
    await server[Symbol.asyncDispose]();
  });

  const widthOf = (size: string | undefined): number => Number(size?.split('x')[0] ?? 0);

  it('is switched to the layer that is asked for at a key frame, without a gap in its numbers', async () => {
    await using bob = await MediaClient.join(server.url, await tokenFor('layers', 'bob'), ['vp8']);
    const ask = (quality: VideoQuality): void =>
      bob.signal.send({ case: 'trackSetting', value: new UpdateTrackSettings({ trackSids: [sid], quality }) });
    await eventually(
      () => (widthOf(bob.received(sid).sizes.at(-1)) === 960 ? undefined : 'no large picture yet'),
      20_000,
    );
    ask(VideoQuality.LOW);
    await eventually(() => {
      const size = bob.received(sid).sizes.at(-1);
      return widthOf(size) < 960 ? undefined : `still ${size}`;
    });
    ask(VideoQuality.HIGH);
    await eventually(() => {
      const size = bob.received(sid).sizes.at(-1);
      return widthOf(size) === 960 ? undefined : `still ${size}`;
    });
    const { sequences } = bob.received(sid);
    const sorted = [...new Set(sequences)].sort((a, b) => a - b);
    assert.equal(sorted.length, sequences.length, 'no number comes twice');
    assert.equal((sorted.at(-1) ?? 0) - (sorted[0] ?? 0) + 1, sorted.length, 'no number is missing');
  });

  it('pauses while disabled and goes on with a key frame', async () => {
    await using bob = await MediaClient.join(server.url, await tokenFor('layers', 'bob'), ['vp8']);
    await eventually(() => (bob.received(sid).sizes.length > 0 ? undefined : 'no key frame yet'));
    const set = (disabled: boolean): void =>
      bob.signal.send({
        case: 'trackSetting',
        value: new UpdateTrackSettings({ trackSids: [sid], disabled, quality: VideoQuality.HIGH }),
      });
    set(true);
    let last = -1;
    await eventually(async () => {
      const { packets } = bob.received(sid);
      const still = packets === last;
      last = packets;
      await new Promise((resolve) => setTimeout(resolve, 250));
      return still ? undefined : 'packets still come';
    });
    const keyFrames = bob.received(sid).sizes.length;
    set(false);
    await eventually(() => (bob.received(sid).sizes.length > keyFrames ? undefined : 'no new key frame'));
  });

  it('is not given to a client without its codec, which is told so', async () => {
    await using carol = await MediaClient.join(server.url, await tokenFor('layers', 'carol'), ['h264']);
    const response = await carol.signal.waitFor('subscriptionResponse');
    assert.equal(response.trackSid, sid);
    assert.equal(response.err, SubscriptionError.SE_CODEC_UNSUPPORTED);
  });

  it('is given without auto-subscribe only on request', async () => {
    await using dave = await MediaClient.join(
      server.url,
      await tokenFor('layers', 'dave'),
      ['vp8'],
      '&auto_subscribe=0',
    );
    dave.signal.send({ case: 'ping', value: 1n });
    await dave.signal.waitFor('pong');
    assert.equal(dave.tracks.size, 0);
    dave.signal.send({ case: 'subscription', value: new UpdateSubscription({ trackSids: [sid], subscribe: true }) });
    await eventually(() => (dave.received(sid).sizes.length > 0 ? undefined : 'no key frame yet'));
  });

  it('is refused to a participant that may not subscribe', async () => {
    const token = await tokenFor('layers', 'erin', { grant: { canSubscribe: false } });
    await using erin = await MediaClient.join(server.url, token, ['vp8']);
    erin.signal.send({ case: 'subscription', value: new UpdateSubscription({ trackSids: [sid], subscribe: true }) });
    erin.signal.send({ case: 'ping', value: 1n });
    await erin.signal.waitFor('pong');
    assert.ok(!erin.signal.messages.some((m) => m.case === 'offer' && m.value.sdp.includes(sid)));
  });

  it('muted by its publisher does not reach anybody until it is not muted any more', async () => {
    await using bob = await MediaClient.join(server.url, await tokenFor('mute', 'bob'), ['vp8']);
    await using frank = await MediaClient.join(server.url, await tokenFor('mute', 'frank'), ['vp8']);
    const audio = await frank.publishAudio();
    let sequence = 1000;
    const timer = setInterval(() => audio.send(sequence++), 20);
    try {
      await eventually(() => (bob.received(audio.sid).packets > 3 ? undefined : 'no sound'));
      frank.signal.send({ case: 'mute', value: new MuteTrackRequest({ sid: audio.sid, muted: true }) });
      await bob.signal.waitForParticipant('frank', ({ tracks }) => tracks[0]?.muted === true);
      const { version } = await bob.signal.waitForParticipant('frank', ({ tracks }) => tracks[0]?.muted === true);
      // What was on its way; then nothing, while ten more packets go up.
      const sent = (count: number): Promise<void> => {
        const until = sequence + count;
        return eventually(() => (sequence >= until ? undefined : 'not sent yet'));
      };
      await sent(5);
      const muted = bob.received(audio.sid).packets;
      await sent(10);
      assert.equal(bob.received(audio.sid).packets, muted);
      frank.signal.send({ case: 'mute', value: new MuteTrackRequest({ sid: audio.sid, muted: false }) });
      await bob.signal.waitForParticipant('frank', (info) => info.version > version && info.tracks[0]?.muted === false);
      await eventually(() => (bob.received(audio.sid).packets > muted + 3 ? undefined : 'no sound again'));
      const numbers = bob.received(audio.sid).sequences;
      numbers.forEach((number, index) => {
        if (index > 0) assert.equal(number, ((numbers[index - 1] ?? 0) + 1) & 0xffff, 'no number is missing');
      });
    } finally {
      clearInterval(timer);
    }
  });
});
