import { AudioTrack, VideoTrackType } from '../ipc/enums.js';
import type { LocalTrackStats, RemoteTrackStats, Room } from '../rtc/types.js';
import { AUDIO_QUALITY, audioQuality } from './audio_quality.js';
import type { EngineClock, EngineTimer } from './clock.js';
import type { CpuUsage } from './cpu_meter.js';
import type { Outbox } from './outbox.js';

const PERIOD_MS = 2000;

/** Running totals of what one local video stream did. */
export interface LocalVideoTotals {
  track: LocalTrackStats;
  /** Pictures pushed, encoded, and sent. */
  captured: number;
  encoded: number;
  sent: number;
  encodedBytes: number;
  qpSum: number;
  targetKbps: number;
}

export interface RemoteVideoTotals {
  uid: string;
  trackType: number;
  track: RemoteTrackStats;
  width: number;
  height: number;
  decoded: number;
  delivered: number;
  /** Times at which the pictures stood still, and how long altogether. */
  frozenTimes: number;
  frozenMs: number;
  /** From the capture, by the sender's clock, to the delivery of the last picture. */
  delayMs: number;
  /** Pictures that were sent and could not be shown. */
  framesLost: number;
}

export interface LocalAudioTotals {
  track: LocalTrackStats;
  /** Of the audio profile. */
  sampleRate: number;
  channels: number;
  /** 0 to 100, of the last packets. */
  inputLevel: number;
}

export interface RemoteAudioTotals {
  uid: string;
  track: RemoteTrackStats;
  jitterBufferDelayMs: number;
  /** Somebody listens, and sound has come. */
  heard: boolean;
  /** From the capture, by the sender's clock, to the delivery of the last frame. */
  delayMs: number;
  /** Times at which sound was missing, and how long altogether. */
  frozenTimes: number;
  frozenMs: number;
}

export interface StatisticsParts {
  clock: EngineClock;
  outbox: Outbox;
  cpu: () => CpuUsage;
  localVideo: () => { camera?: LocalVideoTotals; screen?: LocalVideoTotals };
  localAudio: () => LocalAudioTotals | undefined;
  remoteVideo: () => RemoteVideoTotals[];
  remoteAudio: () => RemoteAudioTotals[];
}

/**
 * The five statistics callbacks, every 2 s while in a channel. Rates are over those 2 s; bytes, packets and durations since the join. Loss is that of the network:
 * packets that retransmission brought back are lost ones.
 */
export class Statistics {
  #timer: EngineTimer | undefined;
  #room: Room | undefined;
  #startedMs = 0;
  #lastMs = 0;
  #last = new Map<string, number>();
  #next = new Map<string, number>();

  constructor(private readonly parts: StatisticsParts) {}

  enter(room: Room): void {
    this.leave();
    this.#room = room;
    this.#startedMs = this.#lastMs = this.parts.clock.nowMs();
    this.parts.cpu();
    this.#schedule();
  }

  leave(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#room = undefined;
    this.#last.clear();
    this.#next.clear();
  }

  #schedule(): void {
    // By the clock of the call, so that late timers do not add up.
    const stayMs = this.parts.clock.nowMs() - this.#startedMs;
    const nextMs = (Math.floor(stayMs / PERIOD_MS + 0.25) + 1) * PERIOD_MS;
    this.#timer = this.parts.clock.after(nextMs - stayMs, () => {
      if (this.#room !== undefined) this.#tell(this.#room);
      this.#schedule();
    });
  }

  /** How much a total grew a second since the last time; from 0 when it is new. */
  #rate(key: string, total: number): number {
    this.#next.set(key, total);
    const seconds = Math.max(0.001, (this.parts.clock.nowMs() - this.#lastMs) / 1000);
    return Math.max(0, total - (this.#last.get(key) ?? 0)) / seconds;
  }

  #kbps(key: string, bytes: number): number {
    return Math.round((this.#rate(key, bytes) * 8) / 1000);
  }

  #perSecond(key: string, count: number): number {
    return Math.round(this.#rate(key, count));
  }

  /** Percent of packets lost within the period. */
  #lossPercent(key: string, lost: number, received: number): number {
    const losing = this.#rate(`${key} lost`, Math.max(0, lost));
    const all = losing + this.#rate(`${key} got`, received);
    return all === 0 ? 0 : Math.round((100 * losing) / all);
  }

  #audioQuality(key: string, { heard, track, frozenMs, delayMs }: RemoteAudioTotals): number {
    const packets = this.#rate(`${key} packets`, track.packets);
    const frozenMsPerSecond = this.#rate(`${key} frozen`, frozenMs);
    if (packets === 0) return AUDIO_QUALITY.nothing;
    return heard ? audioQuality(frozenMsPerSecond / 1000, delayMs) : AUDIO_QUALITY.unknown;
  }

  #tell(room: Room): void {
    this.#tellLocal(room);
    this.#tellRemote(room);
    this.#tellCall(room);
    this.#lastMs = this.parts.clock.nowMs();
    this.#last = this.#next;
    this.#next = new Map();
  }

  #tellCall(room: Room): void {
    const { outbox, clock, cpu, localVideo, localAudio, remoteVideo, remoteAudio } = this.parts;
    const { roundTripMs, sentBytes, receivedBytes } = room.stats();
    const { camera, screen } = localVideo();
    const videoSent = [camera, screen].filter((one) => one !== undefined).map(({ track }) => track);
    const audioSent = localAudio()?.track;
    const sent = [...videoSent, ...(audioSent === undefined ? [] : [audioSent])];
    const [sentPackets, sentLost] = [total(sent, ({ packets }) => packets), total(sent, lostBySent)];
    const videoReceivedBytes = total(remoteVideo(), ({ track }) => track.bytes);
    const received = [...remoteVideo(), ...remoteAudio()].map(({ track }) => track);
    const [arrived, lost] = [total(received, arrivedOf), total(received, lostOf)];
    const usage = cpu();
    const sentKBitrate = this.#kbps('sent', sentBytes);
    outbox.event('CALL_STATS', {
      // bit/s; nothing is estimated, so it is what went out.
      availableSendBitrate: sentKBitrate * 1000,
      sentKBitrate,
      rcvdKBitrate: this.#kbps('received', receivedBytes),
      sentBytes,
      rcvdBytes: receivedBytes,
      videoRcvdKBitrate: this.#kbps('video received', videoReceivedBytes),
      videoSentKBitrate: this.#kbps(
        'video sent',
        total(videoSent, ({ bytes }) => bytes),
      ),
      systemCpu: usage.system,
      appCpu: usage.app,
      callDuration: Math.round((clock.nowMs() - this.#startedMs) / 1000),
      sentLossRate: this.#lossPercent('sent', sentLost, sentPackets - sentLost),
      sentLossPkts: sentLost,
      sentExpectedPkts: sentPackets,
      rcvdLossRate: this.#lossPercent('received', lost, arrived),
      rcvdLossPkts: lost,
      rcvdExpectedPkts: arrived + lost,
      lastmileDelay: Math.round(roundTripMs),
    });
  }

  #tellLocal(room: Room): void {
    const { outbox, localVideo, localAudio } = this.parts;
    const { camera, screen } = localVideo();
    if (camera !== undefined) this.#tellLocalVideo(VideoTrackType.CameraLarge, camera);
    if (screen !== undefined) this.#tellLocalVideo(VideoTrackType.ScreenShare, screen);
    const audio = localAudio();
    if (audio === undefined) return;
    const kbps = this.#kbps('local audio', audio.track.bytes);
    outbox.event('LOCAL_AUDIO_STATS', {
      track: AudioTrack.Mic,
      scene: 0,
      sentBitrate: kbps * 1000,
      sentBitrateKbps: kbps,
      sentSamplerate: audio.sampleRate,
      numChannel: audio.channels,
      inputLevel: audio.inputLevel,
      rtt: Math.round(audio.track.roundTripMs || room.stats().roundTripMs),
      sendBytes: audio.track.bytes,
    });
  }

  #tellLocalVideo(track: number, totals: LocalVideoTotals): void {
    const key = `local video ${track}`;
    const kbps = this.#kbps(key, totals.track.bytes);
    const encodeFps = this.#rate(`${key} encoded`, totals.encoded);
    const qp = this.#rate(`${key} qp`, totals.qpSum);
    const sentFps = this.#perSecond(`${key} sent`, totals.sent);
    this.parts.outbox.event('LOCAL_VIDEO_STATS', {
      track,
      targetEncodeBitrate: totals.targetKbps * 1000,
      actualEncodeBitrate: this.#kbps(`${key} bytes`, totals.encodedBytes) * 1000,
      sentBitrate: kbps * 1000,
      sentBitrateKbps: kbps,
      sentFps,
      encodeFps: Math.round(encodeFps),
      captureFps: this.#perSecond(`${key} captured`, totals.captured),
      avgQpPerSec: encodeFps === 0 ? 0 : Math.round(qp / encodeFps),
      rtt: Math.round(totals.track.roundTripMs),
      sendBytes: totals.track.bytes,
      renderFps: sentFps,
    });
  }

  #tellRemote(room: Room): void {
    const { outbox, remoteVideo, remoteAudio, clock } = this.parts;
    const rtt = Math.round(room.stats().roundTripMs);
    const stayMs = Math.max(1, clock.nowMs() - this.#startedMs);
    for (const one of remoteVideo()) {
      const key = `remote video ${one.uid} ${one.trackType}`;
      const kbps = this.#kbps(key, one.track.bytes);
      const renderFps = this.#perSecond(`${key} delivered`, one.delivered);
      outbox.event('REMOTE_VIDEO_STATS', {
        userId: one.uid,
        track: one.trackType,
        width: one.width,
        height: one.height,
        decodeFps: this.#perSecond(`${key} decoded`, one.decoded),
        renderFps,
        frozenTimes: one.frozenTimes,
        videoTotalFrozenTime: Math.round(one.frozenMs),
        videoTotalFrozenRate: Math.round((100 * one.frozenMs) / stayMs),
        rtpCount: one.track.packets,
        rtpLoss: lostOf(one.track),
        rtt,
        recvBitrate: kbps * 1000,
        rcvdBitrateKbps: kbps,
        e2eDelay: Math.round(one.delayMs),
        frameLoss: one.framesLost,
        pullBytes: one.track.bytes,
        packetLossRate: this.#lossPercent(key, lostOf(one.track), arrivedOf(one.track)),
      });
    }
    for (const one of remoteAudio()) {
      const key = `remote audio ${one.uid}`;
      const kbps = this.#kbps(key, one.track.bytes);
      outbox.event('REMOTE_AUDIO_STATS', {
        userId: one.uid,
        track: AudioTrack.Mic,
        quality: this.#audioQuality(key, one),
        networkTransportDelay: Math.round(rtt / 2),
        jitterBufferDelay: Math.round(one.jitterBufferDelayMs),
        audioLossRate: this.#lossPercent(key, lostOf(one.track), arrivedOf(one.track)),
        rcvdBitrate: kbps * 1000,
        rcvdBitrateKbps: kbps,
        totalFrozenTimes: one.frozenTimes,
        audioTotalFrozenTime: Math.round(one.frozenMs),
        audioTotalFrozenRate: Math.round((100 * one.frozenMs) / stayMs),
        rtt,
        e2eDelay: Math.round(rtt / 2 + one.jitterBufferDelayMs),
        ai_e2eDelay: Math.round(one.delayMs),
        pullBytes: one.track.bytes,
      });
    }
  }
}

function total<T>(items: readonly T[], count: (item: T) => number): number {
  return items.reduce((sum, item) => sum + count(item), 0);
}

/** Lost on the way, though some of it came when it was asked for again. */
function lostOf({ packetsLost, recovered }: RemoteTrackStats): number {
  return Math.max(0, packetsLost) + recovered;
}

function arrivedOf({ packets, recovered }: RemoteTrackStats): number {
  return Math.max(0, packets - recovered);
}

function lostBySent({ packetsLost }: LocalTrackStats): number {
  return Math.max(0, packetsLost);
}
