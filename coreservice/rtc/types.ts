/**
 * What coreservice/rtc offers to coreservice/engine: a LiveKit client at the protocol level. It moves encoded media; it knows no codec libraries, no
 * engine states, no IPC.
 */
import type { EventEmitter } from 'node:events';
import type { Logger } from '../../common/logger.js';

export interface RoomOptions {
  /** ws:// or wss:// */
  url: string;
  /** All nodes of the cluster in the order to try, `url` the first: the next one is taken when one does not answer. */
  urls?: readonly string[] | undefined;
  /** A LiveKit access token. Never logged. */
  token: string;
  logger: Logger;
  /** Media goes by way of the server's TURN servers only. */
  relayOnly?: boolean;
  /** For connect(): WebSocket, JoinResponse. */
  connectTimeoutMs: number;
  /** How long a lost connection is tried again before the room ends. */
  reconnectLimitMs: number;
  /** One peer connection (/rtc/v1) or two (/rtc). Auto, the default: one where the server has it. */
  connections?: 'auto' | 'single' | 'dual';
}

export type TrackKind = 'audio' | 'video';
export type TrackSource = 'camera' | 'microphone' | 'screen' | 'screen_audio' | 'unknown';

export interface RemoteParticipant {
  readonly sid: string;
  readonly identity: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly canPublish: boolean;
  readonly hidden: boolean;
  readonly publications: ReadonlyMap<string, RemotePublication>;
}

export interface RemotePublication {
  readonly sid: string;
  readonly kind: TrackKind;
  readonly source: TrackSource;
  readonly muted: boolean;
  /** e.g. "video/H264", "video/VP8", "audio/opus". */
  readonly mimeType: string;
  readonly simulcast: boolean;
  /** With simulcast: the publisher declared one size for all layers, so that pictures do not tell which one they are of. */
  readonly layersAlike?: boolean;
  readonly width: number;
  readonly height: number;
  /** Undefined when not subscribed. */
  readonly track: RemoteTrack | undefined;
}

/** Why a room ended. */
export type RoomEndCause =
  | 'left' // close() was called
  | 'duplicate_identity'
  | 'participant_removed'
  | 'room_closed'
  | 'server_shutdown'
  | 'join_failed'
  | 'connection_lost'; // reconnectLimitMs ran out

export interface RoomEvents {
  participant_joined: [participant: RemoteParticipant];
  participant_left: [participant: RemoteParticipant];
  /** Name, attributes or permission changed. */
  participant_changed: [participant: RemoteParticipant];
  track_published: [participant: RemoteParticipant, publication: RemotePublication];
  track_unpublished: [participant: RemoteParticipant, publication: RemotePublication];
  track_muted: [participant: RemoteParticipant, publication: RemotePublication];
  /** The server let us have the track, or media began after a reconnect: media will arrive on it. */
  track_subscribed: [participant: RemoteParticipant, publication: RemotePublication, track: RemoteTrack];
  track_unsubscribed: [participant: RemoteParticipant, publication: RemotePublication];
  subscription_failed: [trackSid: string, reason: string];
  data: [message: DataMessage];
  /** The server lets us publish now, or does not any more. */
  permission_changed: [canPublish: boolean];
  reconnecting: [reason: 'signal' | 'media', detail: string];
  reconnected: [];
  /** Exactly once, last. */
  ended: [cause: RoomEndCause, detail: string];
}

export interface DataMessage {
  /** Sender's identity. */
  identity: string;
  topic: string;
  payload: Buffer;
  reliable: boolean;
}

/** A failed connect(): `kind` says whose fault it is. */
export interface ConnectErrorShape {
  kind: 'unauthorized' | 'not_found' | 'refused' | 'timeout' | 'certificate' | 'protocol' | 'room_full' | 'server';
  message: string;
}

export interface Room extends EventEmitter<RoomEvents> {
  /** Resolves when the JoinResponse is there; media connections are made behind it. Rejects with a RoomConnectError. Once. */
  connect(): Promise<void>;
  /** Says Leave, closes everything; bounded in time; idempotent. */
  close(): Promise<void>;
  readonly localSid: string;
  readonly localIdentity: string;
  readonly roomName: string;
  readonly participants: ReadonlyMap<string, RemoteParticipant>;

  /** Resolves when the server acknowledged the track and the publisher connection carries it. */
  publishVideo(options: PublishVideoOptions): Promise<LocalVideoTrack>;
  publishAudio(options: PublishAudioOptions): Promise<LocalAudioTrack>;
  unpublish(track: LocalVideoTrack | LocalAudioTrack): Promise<void>;
  /** Resolves when the server has seen the end of all tracks that were unpublished; bounded in time. */
  whenUnpublished(): Promise<void>;

  subscribe(trackSid: string): void;
  unsubscribe(trackSid: string): void;
  /** Which simulcast layer is wanted of a subscribed video track; no effect without simulcast. */
  setVideoQuality(trackSid: string, quality: 'high' | 'low'): void;
  /** Rejects when the server does not take them within 5 s. */
  setAttributes(attributes: Record<string, string>): Promise<void>;
  sendData(payload: Buffer, options: { topic: string; reliable: boolean }): Promise<void>;
  stats(): RoomStats;
}

export interface PublishVideoOptions {
  source: 'camera' | 'screen';
  name: string;
  /** Highest quality first is not required; one entry means no simulcast. */
  layers: { quality: 'high' | 'low'; width: number; height: number; bitrateKbps: number }[];
  frameRate: number;
}

export interface LocalVideoTrack extends EventEmitter<{
  /** PLI or FIR from the server. */
  key_frame_requested: [quality: 'high' | 'low'];
  /** Dynacast: which layers somebody wants. */
  layers_wanted: [qualities: ReadonlySet<'high' | 'low'>];
  ended: [];
}> {
  readonly sid: string;
  /** One Annex-B access unit. captureTimeUs is Unix time; it becomes the RTP time (90 kHz) and the sender reports' clock. */
  send(accessUnit: Buffer, options: { captureTimeUs: number; keyFrame: boolean; quality: 'high' | 'low' }): void;
  /** The high layer's pictures have this size from now on: others are told. */
  resize(width: number, height: number): void;
  stats(): LocalTrackStats;
}

export interface PublishAudioOptions {
  name: string;
  stereo: boolean;
}

export interface LocalAudioTrack extends EventEmitter<{ ended: [] }> {
  readonly sid: string;
  /** One Opus packet of 20 ms. */
  send(packet: Buffer, options: { captureTimeUs: number }): void;
  stats(): LocalTrackStats;
}

export type RemoteTrack = RemoteVideoTrack | RemoteAudioTrack;

/** One access unit, complete and in decoding order. */
export interface EncodedUnit {
  codec: 'h264' | 'vp8';
  /** H264: Annex B, parameter sets in front of every key frame. VP8: one frame. */
  data: Buffer;
  keyFrame: boolean;
  /** Of the picture when known from the stream (SPS, VP8 key frame), else of the last key frame; 0 before. */
  width: number;
  height: number;
  /** RTP time, unwrapped, 90 kHz. */
  timestamp: number;
  /** Unix time by the sender's reports when there were any, else the arrival of the first packet. */
  captureTimeUs: number;
  /** True when units before this one are missing: a decoder must not show it unless it is a key frame. */
  afterLoss: boolean;
}

export interface RemoteVideoTrack extends EventEmitter<{
  unit: [unit: EncodedUnit];
  ended: [];
}> {
  readonly kind: 'video';
  readonly sid: string;
  /** Sends PLI; limited to one in 300 ms. */
  requestKeyFrame(): void;
  stats(): RemoteTrackStats;
}

export interface AudioPacket {
  /** Opus payload. */
  payload: Buffer;
  /** Unwrapped RTP sequence number. */
  sequence: number;
  /** Unwrapped RTP time, 48 kHz. */
  timestamp: number;
  /** Unix time by the sender's reports when there were any, else the arrival. */
  captureTimeUs: number;
  /** performance.now() at arrival. */
  arrivalMs: number;
}

/** Packets as they come, without repeats but not put in order: the audio jitter buffer does that. */
export interface RemoteAudioTrack extends EventEmitter<{
  packet: [packet: AudioPacket];
  ended: [];
}> {
  readonly kind: 'audio';
  readonly sid: string;
  stats(): RemoteTrackStats;
}

export interface LocalTrackStats {
  packets: number;
  bytes: number;
  retransmitted: number;
  /** Of the receiver's reports, 0 to 1. */
  fractionLost: number;
  /** On the way to the server, though some of it arrived when it was sent again. */
  packetsLost: number;
  roundTripMs: number;
}

export interface RemoteTrackStats {
  packets: number;
  bytes: number;
  packetsLost: number;
  recovered: number;
  jitterMs: number;
  frames: number;
  keyFrameRequests: number;
}

export interface RoomStats {
  roundTripMs: number;
  sentBytes: number;
  receivedBytes: number;
}
