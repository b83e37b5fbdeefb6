import { EventEmitter } from 'node:events';
import type {
  AudioPacket,
  DataMessage,
  EncodedUnit,
  LocalAudioTrack,
  LocalVideoTrack,
  PublishVideoOptions,
  RemoteAudioTrack,
  RemoteParticipant,
  RemotePublication,
  RemoteTrack,
  RemoteVideoTrack,
  Room,
  RoomEvents,
  RoomOptions,
  TrackSource,
} from '../../../coreservice/rtc/types.js';

const NO_LOCAL_STATS = {
  packets: 0,
  bytes: 0,
  retransmitted: 0,
  fractionLost: 0,
  packetsLost: 0,
  roundTripMs: 0,
};
const NO_REMOTE_STATS = {
  packets: 0,
  bytes: 0,
  packetsLost: 0,
  recovered: 0,
  jitterMs: 0,
  frames: 0,
  keyFrameRequests: 0,
};

export class ScriptedVideoTrack extends EventEmitter<{ unit: [EncodedUnit]; ended: [] }> implements RemoteVideoTrack {
  readonly kind = 'video';
  keyFrameRequests = 0;

  constructor(readonly sid: string) {
    super();
  }

  requestKeyFrame(): void {
    this.keyFrameRequests++;
  }

  stats(): typeof NO_REMOTE_STATS {
    return NO_REMOTE_STATS;
  }
}

export class ScriptedAudioTrack extends EventEmitter<{ packet: [AudioPacket]; ended: [] }> implements RemoteAudioTrack {
  readonly kind = 'audio';

  constructor(readonly sid: string) {
    super();
  }

  stats(): typeof NO_REMOTE_STATS {
    return NO_REMOTE_STATS;
  }
}

export class ScriptedLocalTrack
  extends EventEmitter<{
    key_frame_requested: ['high' | 'low'];
    layers_wanted: [ReadonlySet<'high' | 'low'>];
    ended: [];
  }>
  implements LocalVideoTrack
{
  readonly sent: { data: Buffer; captureTimeUs: number; keyFrame?: boolean; quality?: string }[] = [];

  constructor(
    readonly sid: string,
    readonly source: string,
  ) {
    super();
  }

  send(data: Buffer, options: { captureTimeUs: number; keyFrame?: boolean; quality?: 'high' | 'low' }): void {
    this.sent.push({ data, ...options });
  }

  readonly sizes: string[] = [];

  resize(width: number, height: number): void {
    this.sizes.push(`${width}x${height}`);
  }

  stats(): typeof NO_LOCAL_STATS {
    return NO_LOCAL_STATS;
  }
}

interface MutablePublication extends RemotePublication {
  track: RemoteTrack | undefined;
  muted: boolean;
}

interface MutableParticipant extends RemoteParticipant {
  attributes: Record<string, string>;
  publications: Map<string, MutablePublication>;
}

let nextSid = 1;

/** A room that does what a test says and writes down what it was asked for. */
export class ScriptedRoom extends EventEmitter<RoomEvents> implements Room {
  readonly participants = new Map<string, MutableParticipant>();
  readonly localSid = 'PA_me';
  localIdentity = 'me';
  roomName = 'room';
  /** What was asked of it, in order. */
  readonly asked: string[] = [];
  readonly tracks: ScriptedLocalTrack[] = [];
  readonly sentData: { payload: Buffer; topic: string; reliable: boolean }[] = [];
  publishOptions: PublishVideoOptions | undefined;
  /** Set to make the next call hang or fail. */
  onConnect: () => Promise<void> = () => Promise.resolve();
  onPublish: (what: string) => Promise<void> = () => Promise.resolve();
  onSetAttributes: () => Promise<void> = () => Promise.resolve();
  onWhenUnpublished: () => Promise<void> = () => Promise.resolve();
  closed = 0;

  constructor(readonly options: RoomOptions) {
    super();
  }

  connect(): Promise<void> {
    this.asked.push('connect');
    return this.onConnect();
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }

  async publishVideo(options: PublishVideoOptions): Promise<LocalVideoTrack> {
    this.asked.push(`publish ${options.source}`);
    this.publishOptions = options;
    await this.onPublish(options.source);
    return this.#local(options.source);
  }

  async publishAudio(): Promise<LocalAudioTrack> {
    this.asked.push('publish audio');
    await this.onPublish('audio');
    const track = this.#local('audio');
    return track as unknown as LocalAudioTrack;
  }

  unpublish(track: LocalVideoTrack | LocalAudioTrack): Promise<void> {
    this.asked.push(`unpublish ${(track as ScriptedLocalTrack).source}`);
    return Promise.resolve();
  }

  async whenUnpublished(): Promise<void> {
    await this.onWhenUnpublished();
  }

  subscribe(trackSid: string): void {
    this.asked.push(`subscribe ${trackSid}`);
  }

  unsubscribe(trackSid: string): void {
    this.asked.push(`unsubscribe ${trackSid}`);
  }

  setVideoQuality(trackSid: string, quality: 'high' | 'low'): void {
    this.asked.push(`quality ${trackSid} ${quality}`);
  }

  async setAttributes(attributes: Record<string, string>): Promise<void> {
    this.asked.push(`attributes ${JSON.stringify(attributes)}`);
    await this.onSetAttributes();
  }

  sendData(payload: Buffer, options: { topic: string; reliable: boolean }): Promise<void> {
    this.sentData.push({ payload, ...options });
    return Promise.resolve();
  }

  stats(): { roundTripMs: number; sentBytes: number; receivedBytes: number } {
    return { roundTripMs: 0, sentBytes: 0, receivedBytes: 0 };
  }

  track(source: string): ScriptedLocalTrack {
    const track = this.tracks.findLast((one) => one.source === source);
    if (track === undefined) throw new Error(`${source} was never published`);
    return track;
  }

  // What the server does.

  join(
    identity: string,
    options: { role?: 'interactive' | 'live'; profile?: number; canPublish?: boolean } = {},
  ): void {
    const participant = this.add(identity, options);
    this.emit('participant_joined', participant);
  }

  /** Was there before we came. */
  add(
    identity: string,
    options: { role?: 'interactive' | 'live'; profile?: number; canPublish?: boolean; hidden?: boolean } = {},
  ): MutableParticipant {
    const attributes: Record<string, string> = {};
    if (options.role !== undefined) attributes['alirtc.role'] = options.role;
    if (options.profile !== undefined) attributes['alirtc.profile'] = String(options.profile);
    const participant: MutableParticipant = {
      sid: `PA_${nextSid++}`,
      identity,
      name: identity,
      attributes,
      canPublish: options.canPublish ?? true,
      hidden: options.hidden ?? false,
      publications: new Map(),
    };
    this.participants.set(identity, participant);
    return participant;
  }

  leave(identity: string): void {
    const participant = this.#get(identity);
    this.participants.delete(identity);
    this.emit('participant_left', participant);
  }

  role(identity: string, role: 'interactive' | 'live'): void {
    const participant = this.#get(identity);
    participant.attributes = { ...participant.attributes, 'alirtc.role': role };
    this.emit('participant_changed', participant);
  }

  /** sid is `<identity>-<source>`. */
  publish(identity: string, source: TrackSource, options: { simulcast?: boolean } = {}): string {
    const participant = this.#get(identity);
    const publication: MutablePublication = {
      sid: `${identity}-${source}`,
      kind: source === 'microphone' ? 'audio' : 'video',
      source,
      muted: false,
      mimeType: source === 'microphone' ? 'audio/opus' : 'video/H264',
      simulcast: options.simulcast ?? false,
      width: 640,
      height: 480,
      track: undefined,
    };
    participant.publications.set(publication.sid, publication);
    this.emit('track_published', participant, publication);
    return publication.sid;
  }

  unpublishRemote(identity: string, source: TrackSource): void {
    const participant = this.#get(identity);
    const publication = participant.publications.get(`${identity}-${source}`);
    if (publication === undefined) throw new Error('not published');
    participant.publications.delete(publication.sid);
    this.emit('track_unpublished', participant, publication);
  }

  deliverVideo(identity: string, source: TrackSource = 'camera'): ScriptedVideoTrack {
    const track = new ScriptedVideoTrack(`${identity}-${source}`);
    this.#deliver(identity, source, track);
    return track;
  }

  deliverAudio(identity: string): ScriptedAudioTrack {
    const track = new ScriptedAudioTrack(`${identity}-microphone`);
    this.#deliver(identity, 'microphone', track);
    return track;
  }

  data(identity: string, topic: string, payload: Buffer): void {
    const message: DataMessage = { identity, topic, payload, reliable: true };
    this.emit('data', message);
  }

  #deliver(identity: string, source: TrackSource, track: RemoteTrack): void {
    const participant = this.#get(identity);
    const publication = participant.publications.get(`${identity}-${source}`);
    if (publication === undefined) throw new Error('not published');
    publication.track = track;
    this.emit('track_subscribed', participant, publication, track);
  }

  #get(identity: string): MutableParticipant {
    const participant = this.participants.get(identity);
    if (participant === undefined) throw new Error(`no participant ${identity}`);
    return participant;
  }

  #local(source: string): ScriptedLocalTrack {
    const track = new ScriptedLocalTrack(`TR_${nextSid++}`, source);
    this.tracks.push(track);
    return track;
  }
}
