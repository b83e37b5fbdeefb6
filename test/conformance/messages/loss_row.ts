import { AudioQualityMode, type EventOf } from '../../../client/index.js';
import { audioQuality } from '../../../coreservice/engine/audio_quality.js';
import { ChannelScene, LiveFeed } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { startDaemon } from '../../support/running_daemon.js';
import { Ear } from '../audio/sound.js';
import { ServerProcess, type NetworkSettings } from '../channel/server_process.js';
import { row, type Check } from '../support/row.js';
import { Watch } from './watch.js';

const GOOD: NetworkSettings = { inPercent: 0, outPercent: 0, delayMs: 0 };
const LOSSY: NetworkSettings = { inPercent: 6, outPercent: 12, delayMs: 30 };
const AWFUL: NetworkSettings = { inPercent: 0, outPercent: 60, delayMs: 30 };

/** A channel server of its own, whose network is bad. */
export function lossRow(): void {
  row(
    'a known share of the packets is lost each way, and everything delayed: sender and receiver tell loss, delays, lost pictures and quality as they are, and that it is over',
    {
      covers: ['OnCallStats', 'OnRemoteVideoStats', 'OnRemoteAudioStats', 'OnLocalVideoStats'],
      peer: 'engine',
      timeoutMs: 120_000,
      ownServer: 'it makes the network of its channel server bad',
    },
    async (check: Check) => {
      await using server = await ServerProcess.start(GOOD);
      await using daemon = await startDaemon({ args: ['--channel-server', `ws://127.0.0.1:${server.port}`] });
      await using scene = await ChannelScene.open(daemon);
      const [sender, receiver] = [await scene.engine(), await scene.engine()];
      await sender.setAudioProfile(AudioQualityMode.HIGH);
      await using here = new Watch(sender);
      await using there = new Watch(receiver);
      await scene.join(receiver, 'receiver');
      await scene.join(sender, 'sender');
      await using _pictures = new Ear(receiver.pictures());
      await using _sound = new Ear(receiver.audioFrames());
      const feed = await LiveFeed.start(sender, { width: 640, height: 480, framesPerSecond: 15, frequency: 600 });

      const good = await over(here, there, 3);
      check.within(good.sentLoss, 0, 1, 'loss of a good network at the sender, per cent');
      check.within(good.receivedLoss, 0, 1, 'loss of a good network at the receiver, per cent');
      checkQuality(check, good, 'a good network');
      check.equal(good.video.lostFrames, 0, 'lost pictures on a good network');
      check.within(good.audio.measuredEndToEndDelayMs, 1, 800, 'measured delay on a good network, ms');

      server.setNetwork(LOSSY);
      const lossy = await over(here, there, 3);
      // Some four hundred packets: chance alone makes some points of per cent.
      check.within(lossy.sentLoss, LOSSY.inPercent - 3.5, LOSSY.inPercent + 4, 'loss at the sender, per cent');
      check.within(lossy.receivedLoss, LOSSY.outPercent - 7, LOSSY.outPercent + 12, 'loss at the receiver, per cent');
      const { video, audio } = lossy;
      check.within(video.packetLossRatePercent, 3, 25, 'loss of pictures in a period, per cent');
      check.within(audio.lossRatePercent, 3, 25, 'loss of sound in a period, per cent');
      check.within(video.rtpLostPackets / video.rtpPackets, 0.02, 0.2, 'share of lost packets of pictures');
      check.within(video.roundTripMs, 2 * LOSSY.delayMs, 400, 'round trip at the receiver, ms');
      check.within(lossy.camera.roundTripMs, 2 * LOSSY.delayMs, 400, 'round trip of the camera, ms');
      check.within(lossy.call.lastMileDelayMs, 2 * LOSSY.delayMs, 400, 'round trip of the call, ms');
      check.within(audio.measuredEndToEndDelayMs, 2 * LOSSY.delayMs, 800, 'measured delay, ms');

      server.setNetwork(AWFUL);
      const awful = await over(here, there, 3);
      check.within(
        awful.receivedLoss,
        AWFUL.outPercent - 25,
        AWFUL.outPercent + 15,
        'loss of an awful network, per cent',
      );
      check.within(awful.audio.quality, 2, 5, 'quality on an awful network: poor at best');
      checkQuality(check, awful, 'an awful network');
      // Retransmission saves most of them, even so.
      await eventually(() => {
        const { lostFrames = 0 } = there.of('onRemoteVideoStats').at(-1)?.value ?? {};
        return lostFrames > video.lostFrames ? undefined : `${lostFrames} lost pictures`;
      }, 40_000);
      check.ok(true, 'pictures are lost');
      check.ok(awful.audio.totalFrozenTimeMs > audio.totalFrozenTimeMs, 'sound is missing');

      server.setNetwork(GOOD);
      const again = await over(here, there, 3);
      check.within(again.lastReceivedLossPercent, 0, 2, 'loss when it is over, per cent');
      checkQuality(check, again, 'a network that is good again');
      await feed.stop();
    },
  );
}

/** The quality is that of what was missing in the period and of the delay, whatever else the machine had to do: ITU-T G.107, as the contract says. */
function checkQuality(check: Check, { audio, missingMs }: Told, what: string): void {
  const nothingCame = audio.receivedBitrateBps === 0;
  const expected = nothingCame ? 5 : audioQuality(missingMs / 2000, audio.measuredEndToEndDelayMs);
  check.within(audio.quality, expected - 1, expected + 1, `quality on ${what}`);
}

interface Told {
  /** Of the sound in the last period. */
  missingMs: number;
  sentLoss: number;
  receivedLoss: number;
  lastReceivedLossPercent: number;
  call: EventOf<'onCallStats'>['value'];
  camera: EventOf<'onLocalVideoStats'>['value'];
  video: EventOf<'onRemoteVideoStats'>['value'];
  audio: EventOf<'onRemoteAudioStats'>['value'];
}

/** The last of so many further periods at both ends, and the loss over all of them but the first, which had begun before. */
async function over(here: Watch, there: Watch, periods: number): Promise<Told> {
  const from = [here, there].map((watch) => watch.of('onCallStats').length);
  const [sent = [], received = []] = await Promise.all(
    [here, there].map((watch, index) => watch.count('onCallStats', (from[index] ?? 0) + periods, 20_000)),
  );
  const [call, got] = [sent.at(-1)?.value, received.at(-1)?.value];
  const [callBefore, gotBefore] = [sent.at(-periods)?.value, received.at(-periods)?.value];
  const camera = here.of('onLocalVideoStats').at(-1)?.value;
  const video = there.of('onRemoteVideoStats').at(-1)?.value;
  const [audioBefore, audio] = there
    .of('onRemoteAudioStats')
    .slice(-2)
    .map(({ value }) => value);
  if (!call || !got || !callBefore || !gotBefore || !camera || !video || !audioBefore || !audio)
    throw new Error('no statistics');
  const share = (lost: number, expected: number): number => (100 * lost) / Math.max(1, expected);
  return {
    missingMs: audio.totalFrozenTimeMs - audioBefore.totalFrozenTimeMs,
    sentLoss: share(
      call.sentLossPackets - callBefore.sentLossPackets,
      call.sentExpectedPackets - callBefore.sentExpectedPackets,
    ),
    receivedLoss: share(
      got.receivedLossPackets - gotBefore.receivedLossPackets,
      got.receivedExpectedPackets - gotBefore.receivedExpectedPackets,
    ),
    lastReceivedLossPercent: got.receivedLossRatePercent,
    call,
    camera,
    video,
    audio,
  };
}
