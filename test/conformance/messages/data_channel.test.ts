import { setTimeout as delay } from 'node:timers/promises';
import { ChannelProfile, ClientRole, DataMsgType } from '../../../client/index.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { Watch } from './watch.js';

const BOTH = { data: { enablePubDataChannel: true, enableSubDataChannel: true } };
const TOPIC = 'alirtc.data';

describe('messages: data channel', () => {
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
    'progress and custom messages reach streamers and audience that switched receiving on, in order, with all their fields; nobody else, not the sender',
    { covers: ['SendDataChannelMessage', 'OnDataChannelMsg', 'SetParameter'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const live = { channelProfile: ChannelProfile.INTERACTIVE_LIVE };
      const [sender, streamer, audience, deaf] = await Promise.all([1, 2, 3, 4].map(() => scene.engine()));
      check.ok(sender && streamer && audience && deaf, 'four engines');
      for (const engine of [sender, streamer, deaf]) await engine.setClientRole(ClientRole.INTERACTIVE);
      await sender.setParameter(BOTH);
      await streamer.setParameter({ data: { enableSubDataChannel: true } });
      await audience.setParameter(JSON.stringify({ data: { enableSubDataChannel: true } }));
      await scene.join(sender, 'sender', live);
      await scene.join(streamer, 'streamer', live);
      await scene.join(audience, 'audience', live);
      await scene.join(deaf, 'deaf', live);
      await using atSender = new Watch(sender);
      await using atStreamer = new Watch(streamer);
      await using atAudience = new Watch(audience);
      await using atDeaf = new Watch(deaf);
      const messages = [
        { type: DataMsgType.PROGRESS, networkTimeMs: 1_700_000_000_123, progress: 42, data: Buffer.alloc(0) },
        { type: DataMsgType.CUSTOM, networkTimeMs: 0, progress: 0, data: Buffer.from('hello\n{"type":9}\n') },
        { type: DataMsgType.CUSTOM, networkTimeMs: 5, progress: -1, data: Buffer.alloc(15 * 1024, 0xa5) },
        { type: DataMsgType.CUSTOM, networkTimeMs: 6, progress: 100, data: Buffer.from([0, 10, 255, 10]) },
      ];
      for (const message of messages) await sender.sendDataChannelMessage(message);
      for (const watch of [atStreamer, atAudience]) {
        const got = await watch.count('onDataChannelMsg', messages.length);
        check.equal(
          got.map(({ value }) => value.uid),
          messages.map(() => 'sender'),
        );
        check.equal(
          got.map(({ value: { msg } }) => ({ ...msg, data: Buffer.from(msg?.data ?? []) })),
          messages,
        );
      }
      for (let n = 0; n < 200; n++) await sender.sendDataChannelMessage({ type: DataMsgType.CUSTOM, progress: n });
      const burst = (await atAudience.count('onDataChannelMsg', 204)).slice(4);
      check.equal(
        burst.map(({ value }) => value.msg?.progress),
        burst.map((_event, index) => index),
        'two hundred in order',
      );
      check.equal(atSender.of('onDataChannelMsg').length, 0, 'own messages');
      check.equal(atDeaf.of('onDataChannelMsg').length, 0, 'messages where receiving was never switched on');
    },
  );

  row(
    'both switches work in the call, each for itself, on and off; what may not be sent is refused by name',
    { covers: ['SetParameter', 'SendDataChannelMessage', 'OnDataChannelMsg'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const live = { channelProfile: ChannelProfile.INTERACTIVE_LIVE };
      const [sender, receiver] = [await scene.engine(), await scene.engine()];
      const send = (text: string) =>
        sender.sendDataChannelMessage({ type: DataMsgType.CUSTOM, data: Buffer.from(text) });
      await check.rejects(send('before the join'), { reason: 'ERR_PUBLISH_NOT_JOIN_CHANNEL' });
      await scene.join(sender, 'sender', live);
      await scene.join(receiver, 'receiver', live);
      await using watch = new Watch(receiver);
      await check.rejects(send('as audience'), { reason: 'ERR_PUBLISH_AUDIENCE', number: 0x0103030d });
      await sender.setClientRole(ClientRole.INTERACTIVE);
      await check.rejects(send('off'), { reason: 'ERR_SDK_INVALID_STATE' });
      await sender.setParameter({ data: { enableSubDataChannel: true } });
      await check.rejects(send('only receiving'), { reason: 'ERR_SDK_INVALID_STATE' });
      await sender.setParameter({ data: { enablePubDataChannel: true } });
      await send('to nobody');
      await delay(200);
      await receiver.setParameter({ data: { enableSubDataChannel: true } });
      await delay(200);
      await send('one');
      await watch.count('onDataChannelMsg', 1);
      await receiver.setParameter({ data: { enableSubDataChannel: false } });
      await delay(200);
      await send('two');
      await delay(300);
      await receiver.setParameter({ data: { enableSubDataChannel: true } });
      await delay(200);
      await send('three');
      const got = await watch.count('onDataChannelMsg', 2);
      check.equal(
        got.map(({ value }) => Buffer.from(value.msg?.data ?? []).toString()),
        ['one', 'three'],
      );
      await check.rejects(
        sender.sendDataChannelMessage({ type: DataMsgType.CUSTOM, data: Buffer.alloc(15 * 1024 + 1) }),
        {
          field: 'ctrl_msg.data',
        },
      );
      await check.rejects(sender.sendDataChannelMessage({ type: 77 as DataMsgType }), { field: 'ctrl_msg.type' });
      await sender.setParameter({ data: { enablePubDataChannel: false } });
      await check.rejects(send('off again'), { reason: 'ERR_SDK_INVALID_STATE' });
      await sender.setParameter({ data: { enablePubDataChannel: true } });
      await send('four');
      await watch.count('onDataChannelMsg', 3);
    },
  );

  row(
    'to and from an official SDK on the topic "alirtc.data": a line of JSON and the bytes; bytes alone are a custom message; other topics are not heard',
    { covers: ['SendDataChannelMessage', 'OnDataChannelMsg'], peer: '@livekit/rtc-node' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const engine = await scene.engine();
      await engine.setParameter(BOTH);
      await scene.join(engine, 'bot');
      await using watch = new Watch(engine);
      const peer = await scene.peer('alice');
      await watch.count('onRemoteUserOnLineNotify', 1);
      const data = Buffer.from([1, 2, 10, 3]);
      await engine.sendDataChannelMessage({ type: DataMsgType.PROGRESS, networkTimeMs: 99, progress: 7, data });
      const event = await peer.waitFor((one) => one.event === 'data');
      check.ok(event.event === 'data', 'data');
      check.equal([event.identity, event.topic, event.reliable], ['bot', TOPIC, true]);
      const payload = Buffer.from(event.payload, 'base64');
      const end = payload.indexOf(10);
      check.equal(JSON.parse(payload.toString('utf8', 0, end)), { type: 1, networkTime: 99, progress: 7 });
      check.equal(payload.subarray(end + 1).toString('hex'), data.toString('hex'));

      const send = (bytes: Buffer, topic = TOPIC) =>
        peer.call('send_data', { payload: bytes.toString('base64'), topic, reliable: true });
      await send(Buffer.from('other'), 'chat');
      await send(Buffer.from('plain bytes'));
      await send(Buffer.concat([Buffer.from('{"type":1,"networkTime":12345,"progress":50}\n'), data]));
      await send(Buffer.from('{"no":"header"}\nrest'));
      const got = await watch.count('onDataChannelMsg', 3);
      check.equal(
        got.map(({ value: { uid, msg } }) => ({ uid, ...msg, data: Buffer.from(msg?.data ?? []).toString('hex') })),
        [
          { type: DataMsgType.CUSTOM, networkTimeMs: 0, progress: 0, data: Buffer.from('plain bytes') },
          { type: DataMsgType.PROGRESS, networkTimeMs: 12_345, progress: 50, data },
          { type: DataMsgType.CUSTOM, networkTimeMs: 0, progress: 0, data: Buffer.from('{"no":"header"}\nrest') },
        ].map((message) => ({ uid: 'alice', ...message, data: message.data.toString('hex') })),
      );
    },
  );
});
