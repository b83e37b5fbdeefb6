import { AudioQualityMode, VideoTrackType, type EventType } from '../../../client/index.js';
import { ChannelScene, LiveFeed } from '../../support/channel_scene.js';
import type { RunningDaemon } from '../../support/running_daemon.js';
import { Ear } from '../audio/sound.js';
import { row, type Check } from '../support/row.js';
import { Watch } from './watch.js';

const STATISTICS = [
  'onCallStats',
  'onLocalVideoStats',
  'onRemoteVideoStats',
  'onLocalAudioStats',
  'onRemoteAudioStats',
] as const;
const FPS = 15;

export function statisticsRow(daemon: () => RunningDaemon): void {
  row(
    'the five statistics come every 2 s from the join to the leave, and both ends agree with each other and with what was set',
    {
      covers: ['OnCallStats', 'OnLocalVideoStats', 'OnRemoteVideoStats', 'OnLocalAudioStats', 'OnRemoteAudioStats'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const [sender, receiver] = [await scene.engine(), await scene.engine()];
      await sender.setAudioProfile(AudioQualityMode.HIGH);
      await using here = new Watch(sender);
      await using there = new Watch(receiver);
      await scene.join(receiver, 'receiver');
      await scene.join(sender, 'sender');
      await using pictures = new Ear(receiver.pictures());
      await using _sound = new Ear(receiver.audioFrames());
      const feed = await LiveFeed.start(sender, { width: 640, height: 480, framesPerSecond: FPS, frequency: 600 });
      await sender.setVideoEncoderConfiguration({
        dimensions: { width: 640, height: 480 },
        frameRate: FPS,
        bitrateKbps: 500,
      });
      await here.count('onCallStats', 6, 20_000);
      await there.count('onCallStats', 6, 20_000);
      const counts = STATISTICS.map((type) => [here.of(type).length, there.of(type).length]);
      check.ok(
        counts.every(([a = 0, b = 0]) => a + b >= 4),
        `all five: ${JSON.stringify(counts)}`,
      );
      for (const watch of [here, there]) every2s(check, watch, 'onCallStats');
      every2s(check, here, 'onLocalVideoStats');
      every2s(check, there, 'onRemoteAudioStats');

      const call = { sent: here.of('onCallStats').at(-1)?.value, got: there.of('onCallStats').at(-1)?.value };
      const video = here.of('onLocalVideoStats').at(-1)?.value;
      const audio = here.of('onLocalAudioStats').at(-1)?.value;
      const remoteVideo = there.of('onRemoteVideoStats').at(-1)?.value;
      const remoteAudio = there.of('onRemoteAudioStats').at(-1)?.value;
      check.ok(call.sent && call.got && video && audio && remoteVideo && remoteAudio, 'all five');

      check.equal(video.track, VideoTrackType.CAMERA_LARGE);
      check.within(video.targetEncodeBitrateBps, 450_000, 550_000, 'target bit/s');
      check.within(video.actualEncodeBitrateBps, 150_000, 700_000, 'encoded bit/s');
      check.within(
        video.sentBitrateBps,
        video.actualEncodeBitrateBps * 0.8,
        video.actualEncodeBitrateBps * 1.3,
        'sent bit/s',
      );
      for (const [name, fps] of Object.entries({
        captured: video.captureFps,
        encoded: video.encodeFps,
        sent: video.sentFps,
        decoded: remoteVideo.decodeFps,
        delivered: remoteVideo.renderFps,
      }))
        check.within(fps, FPS - 3, FPS + 3, `pictures a second, ${name}`);
      check.within(video.averageQp, 1, 51, 'average quantizer');
      check.within(video.roundTripMs, 0, 300, 'round trip of the camera, ms');
      check.within(video.sentBytes, 300_000, 5_000_000, 'bytes of the camera');

      check.equal([audio.sentSampleRateHz, audio.channels], [48_000, 1]);
      check.within(audio.sentBitrateBps, 20_000, 90_000, 'bit/s of sound');
      check.within(audio.inputLevel, 15, 25, 'level of a tone of a fifth of full scale, per cent');

      check.equal([remoteVideo.userId, remoteVideo.track], ['sender', VideoTrackType.CAMERA_LARGE]);
      check.equal([remoteVideo.width, remoteVideo.height], [640, 480]);
      check.within(
        remoteVideo.receivedBitrateBps,
        video.sentBitrateBps * 0.6,
        video.sentBitrateBps * 1.5,
        'received bit/s',
      );
      check.within(remoteVideo.rtpPackets, 100, 20_000, 'packets of pictures');
      check.within(remoteVideo.endToEndDelayMs, 1, 1500, 'delay of pictures from end to end, ms');
      check.within(
        remoteVideo.totalFrozenTimeMs,
        0,
        remoteVideo.frozenTimes * 5000,
        'ms that the pictures stood still',
      );
      check.within(remoteVideo.packetLossRatePercent, 0, 2, 'loss on loopback, per cent');
      check.equal(remoteAudio.userId, 'sender');
      check.within(
        remoteAudio.receivedBitrateBps,
        audio.sentBitrateBps * 0.6,
        audio.sentBitrateBps * 1.4,
        'bit/s of received sound',
      );
      check.within(remoteAudio.jitterBufferDelayMs, 1, 300, 'delay of the jitter buffer, ms');
      check.within(remoteAudio.endToEndDelayMs, remoteAudio.jitterBufferDelayMs, 600, 'delay from end to end, ms');
      check.within(remoteAudio.lossRatePercent, 0, 2, 'loss of sound on loopback, per cent');

      const { sent, got } = call;
      const media = (video.sentBitrateBps + audio.sentBitrateBps) / 1000;
      check.within(sent.sentBitrateKbps, media * 0.8, media * 1.5, 'sent kbit/s of the call');
      check.within(sent.availableSendBitrateBps, sent.sentBitrateKbps * 900, Infinity, 'available bit/s');
      check.within(sent.videoSentBitrateKbps, 100, sent.sentBitrateKbps, 'kbit/s of pictures');
      check.within(got.receivedBitrateKbps, sent.sentBitrateKbps * 0.6, sent.sentBitrateKbps * 1.5, 'received kbit/s');
      check.within(got.videoReceivedBitrateKbps, 100, got.receivedBitrateKbps, 'received kbit/s of pictures');
      check.within(got.sentBitrateKbps, 0, 60, 'kbit/s sent by who only listens to pictures and sends silence');
      check.within(sent.callDurationS, 11, 15, 's of the call');
      check.within(sent.lastMileDelayMs, 0, 300, 'round trip, ms');
      check.within(sent.appCpuPercent, 0.5, 400, 'CPU of the core, per cent');
      check.within(sent.systemCpuPercent, 0.5, 100, 'CPU of the machine, per cent');
      check.within(sent.sentLossRatePercent, 0, 2, 'sent loss, per cent');
      check.within(got.receivedLossRatePercent, 0, 2, 'received loss, per cent');
      check.within(got.receivedExpectedPackets, 300, 30_000, 'expected packets');
      const totals = here.of('onCallStats').map(({ value }) => value.sentBytes);
      check.ok(
        totals.every((bytes, index) => bytes >= (totals[index - 1] ?? 0)),
        `bytes only grow: ${totals.join(' ')}`,
      );
      check.ok(pictures.heard.length > 50, 'pictures came');

      await feed.stop();
      await sender.leaveChannel();
      const last = here.of('onCallStats').length;
      await there.count('onCallStats', there.of('onCallStats').length + 2);
      check.equal(here.of('onCallStats').length, last, 'statistics after leaving');
    },
  );
}

/** From one to the next 2 s, as far as the machine lets it; all together exactly. */
function every2s(check: Check, watch: Watch, type: EventType): void {
  const times = watch.of(type).map(({ timeUs }) => timeUs / 1e6);
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  for (const gap of gaps) check.within(gap, 1.5, 2.5, `s between two ${type}`);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  check.within(mean, 1.9, 2.1, `s between two ${type} on average`);
}
