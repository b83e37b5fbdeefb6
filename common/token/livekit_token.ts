import { AccessToken } from 'livekit-server-sdk';
import { ATTRIBUTE_PROFILE, ATTRIBUTE_ROLE } from './participant_attributes.js';

export { ATTRIBUTE_PROFILE, ATTRIBUTE_ROLE };

export interface LiveKitGrant {
  room: string;
  identity: string;
  name?: string;
  /** "interactive" (streamer) or "live" (audience); left out: no attribute, i.e. a participant that knows nothing of roles. */
  role?: 'interactive' | 'live';
  /** The number of the interface's ChannelProfile. */
  profile?: number;
  /** False: neither tracks nor data, as audience needs it. Default true. */
  mayPublish?: boolean;
  /** Unix time in seconds. */
  expiresAt: number;
}

/** A LiveKit access token with the grants of an engine: its own room; subscribe, own attributes, and, unless it is audience, publish and data. */
export function mintLiveKitToken(apiKey: string, apiSecret: string, grant: LiveKitGrant): Promise<string> {
  const attributes: Record<string, string> = {};
  if (grant.role !== undefined) attributes[ATTRIBUTE_ROLE] = grant.role;
  if (grant.profile !== undefined) attributes[ATTRIBUTE_PROFILE] = String(grant.profile);
  const { mayPublish = true } = grant;
  const ttlSeconds = Math.max(1, Math.floor(grant.expiresAt - Date.now() / 1000));
  const token = new AccessToken(apiKey, apiSecret, {
    identity: grant.identity,
    ...(grant.name === undefined ? {} : { name: grant.name }),
    attributes,
    ttl: ttlSeconds,
  });
  token.addGrant({
    roomJoin: true,
    room: grant.room,
    canPublish: mayPublish,
    canSubscribe: true,
    canPublishData: mayPublish,
    canUpdateOwnMetadata: true,
  });
  return token.toJwt();
}
