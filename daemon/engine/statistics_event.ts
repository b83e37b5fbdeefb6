import type { Callback } from '../../coreservice/ipc/callbacks.js';
import { videoTrackType } from '../conversions.js';
import type { EngineEvent } from '../events/event_log.js';

/** The event of one of the five statistics callbacks. */
export function statisticsEvent(callback: Callback): EngineEvent | undefined {
  switch (callback.name) {
    case 'CALL_STATS': {
      const f = callback.fields;
      const value = {
        availableSendBitrateBps: f.availableSendBitrate,
        sentBitrateKbps: f.sentKBitrate,
        receivedBitrateKbps: f.rcvdKBitrate,
        sentBytes: f.sentBytes,
        receivedBytes: f.rcvdBytes,
        videoReceivedBitrateKbps: f.videoRcvdKBitrate,
        videoSentBitrateKbps: f.videoSentKBitrate,
        systemCpuPercent: f.systemCpu,
        appCpuPercent: f.appCpu,
        callDurationS: f.callDuration,
        sentLossRatePercent: f.sentLossRate,
        sentLossPackets: f.sentLossPkts,
        sentExpectedPackets: f.sentExpectedPkts,
        receivedLossRatePercent: f.rcvdLossRate,
        receivedLossPackets: f.rcvdLossPkts,
        receivedExpectedPackets: f.rcvdExpectedPkts,
        lastMileDelayMs: f.lastmileDelay,
      };
      return { $case: 'onCallStats', value };
    }
    case 'LOCAL_VIDEO_STATS': {
      const f = callback.fields;
      const value = {
        track: videoTrackType.toProto(f.track),
        targetEncodeBitrateBps: f.targetEncodeBitrate,
        actualEncodeBitrateBps: f.actualEncodeBitrate,
        sentBitrateBps: f.sentBitrate,
        sentFps: f.sentFps,
        encodeFps: f.encodeFps,
        captureFps: f.captureFps,
        averageQp: f.avgQpPerSec,
        roundTripMs: f.rtt,
        sentBytes: f.sendBytes,
      };
      return { $case: 'onLocalVideoStats', value };
    }
    case 'REMOTE_VIDEO_STATS': {
      const f = callback.fields;
      const value = {
        userId: f.userId,
        track: videoTrackType.toProto(f.track),
        width: f.width,
        height: f.height,
        decodeFps: f.decodeFps,
        renderFps: f.renderFps,
        frozenTimes: f.frozenTimes,
        totalFrozenTimeMs: f.videoTotalFrozenTime,
        totalFrozenRatePercent: f.videoTotalFrozenRate,
        rtpPackets: f.rtpCount,
        rtpLostPackets: f.rtpLoss,
        roundTripMs: f.rtt,
        receivedBitrateBps: f.recvBitrate,
        endToEndDelayMs: f.e2eDelay,
        receivedBytes: f.pullBytes,
        packetLossRatePercent: f.packetLossRate,
        lostFrames: f.frameLoss,
      };
      return { $case: 'onRemoteVideoStats', value };
    }
    case 'LOCAL_AUDIO_STATS': {
      const f = callback.fields;
      const value = {
        sentBitrateBps: f.sentBitrate,
        sentSampleRateHz: f.sentSamplerate,
        channels: f.numChannel,
        inputLevel: f.inputLevel,
        roundTripMs: f.rtt,
        sentBytes: f.sendBytes,
      };
      return { $case: 'onLocalAudioStats', value };
    }
    case 'REMOTE_AUDIO_STATS': {
      const f = callback.fields;
      const value = {
        userId: f.userId,
        quality: f.quality,
        networkTransportDelayMs: f.networkTransportDelay,
        jitterBufferDelayMs: f.jitterBufferDelay,
        lossRatePercent: f.audioLossRate,
        receivedBitrateBps: f.rcvdBitrate,
        totalFrozenTimes: f.totalFrozenTimes,
        totalFrozenTimeMs: f.audioTotalFrozenTime,
        totalFrozenRatePercent: f.audioTotalFrozenRate,
        roundTripMs: f.rtt,
        endToEndDelayMs: f.e2eDelay,
        receivedBytes: f.pullBytes,
        measuredEndToEndDelayMs: f.ai_e2eDelay,
      };
      return { $case: 'onRemoteAudioStats', value };
    }
    default:
      return undefined;
  }
}
