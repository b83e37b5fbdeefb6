import { ParticipantPermission, TrackSource } from '@livekit/protocol';

/** What a participant is and may do, from its token. */
export interface Grants {
  room: string;
  identity: string;
  name: string;
  metadata: string;
  attributes: Readonly<Record<string, string>>;
  canPublish: boolean;
  /** Empty: every source, when canPublish. */
  canPublishSources: readonly TrackSource[];
  canSubscribe: boolean;
  canPublishData: boolean;
  canUpdateOwnMetadata: boolean;
  hidden: boolean;
  recorder: boolean;
  agent: boolean;
}

/** The video grant of a token's claims, as LiveKit writes it; nothing of it is trusted to have the right type. */
export interface ClaimedGrant {
  roomJoin?: unknown;
  room?: unknown;
  canPublish?: unknown;
  canPublishSources?: unknown;
  canSubscribe?: unknown;
  canPublishData?: unknown;
  canUpdateOwnMetadata?: unknown;
  hidden?: unknown;
  recorder?: unknown;
  agent?: unknown;
}

export interface Claims {
  sub?: unknown;
  name?: unknown;
  metadata?: unknown;
  attributes?: unknown;
  video?: ClaimedGrant | undefined;
}

const SOURCES: Readonly<Record<string, TrackSource>> = {
  camera: TrackSource.CAMERA,
  microphone: TrackSource.MICROPHONE,
  screen_share: TrackSource.SCREEN_SHARE,
  screen_share_audio: TrackSource.SCREEN_SHARE_AUDIO,
};

/** LiveKit's rules for what is left out: publish and subscribe are allowed, data as publishing is. Throws an Error that says what is missing. */
export function grantsOf(claims: Claims): Grants {
  const video = claims.video ?? {};
  if (video.roomJoin !== true) throw new Error('the token does not allow joining a room (roomJoin)');
  if (typeof video.room !== 'string' || video.room === '') throw new Error('the token names no room');
  if (typeof claims.sub !== 'string' || claims.sub === '') throw new Error('the token names no identity');
  const canPublish = video.canPublish !== false;
  return {
    room: video.room,
    identity: claims.sub,
    name: textOf(claims.name),
    metadata: textOf(claims.metadata),
    attributes: attributesOf(claims.attributes),
    canPublish,
    canPublishSources: sourcesOf(video.canPublishSources),
    canSubscribe: video.canSubscribe !== false,
    canPublishData: typeof video.canPublishData === 'boolean' ? video.canPublishData : canPublish,
    canUpdateOwnMetadata: video.canUpdateOwnMetadata === true,
    hidden: video.hidden === true,
    recorder: video.recorder === true,
    agent: video.agent === true,
  };
}

/** A list of sources supersedes canPublish's "everything". */
export function mayPublish(grants: Grants, source: TrackSource): boolean {
  if (!grants.canPublish) return false;
  return grants.canPublishSources.length === 0 || grants.canPublishSources.includes(source);
}

export function permissionOf(grants: Grants): ParticipantPermission {
  return new ParticipantPermission({
    canPublish: grants.canPublish,
    canPublishSources: [...grants.canPublishSources],
    canSubscribe: grants.canSubscribe,
    canPublishData: grants.canPublishData,
    canUpdateMetadata: grants.canUpdateOwnMetadata,
    hidden: grants.hidden,
    recorder: grants.recorder,
    agent: grants.agent,
  });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function attributesOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function sourcesOf(value: unknown): TrackSource[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) => {
    if (typeof item === 'number' && TrackSource[item] !== undefined) return [item];
    const source = typeof item === 'string' ? SOURCES[item.toLowerCase()] : undefined;
    return source === undefined ? [] : [source];
  });
}
