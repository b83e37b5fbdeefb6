import { Codec, JoinResponse, ReconnectResponse, ServerInfo, ServerInfo_Edition } from '@livekit/protocol';
import type { Timing } from '../limits.js';
import type { Participant } from '../room/participant.js';
import type { Room } from '../room/room.js';
import type { JoinParameters } from './join_parameters.js';

/** Clients compare versions number by number: the LiveKit server whose ways these are, then our own name. */
export const SERVER_VERSION = '1.9.12+alirtcd';
const PROTOCOL = 16;

/** The first message to every participant. */
export function joinResponse(
  room: Room,
  participant: Participant,
  others: readonly Participant[],
  { nodeId, timing, parameters }: { nodeId: string; timing: Timing; parameters: JoinParameters },
): JoinResponse {
  return new JoinResponse({
    room: room.info(),
    participant: participant.state.info(),
    otherParticipants: others.map((other) => other.state.info()),
    serverVersion: SERVER_VERSION,
    serverInfo: serverInfo(nodeId),
    // Of two connections the subscriber's is the one that a client waits for.
    subscriberPrimary: parameters.connections === 'dual',
    iceServers: [],
    // Seconds. 0 crashes native clients.
    pingInterval: Math.max(1, Math.round(timing.pingIntervalMs / 1000)),
    pingTimeout: Math.max(2, Math.round(timing.pingTimeoutMs / 1000)),
    enabledPublishCodecs: ['video/H264', 'video/VP8', 'audio/opus'].map((mime) => new Codec({ mime })),
    // On two connections the publisher's is made at once, so that the first track need not wait for it. Native clients offer without a pause, and one offer
    // after another: without it, those before rust-sdks #1252 lock up when something changes while an offer of theirs is on its way.
    fastPublish: participant.state.grants.canPublish,
  });
}

/** The first message to one who comes back. */
export function reconnectResponse(nodeId: string): ReconnectResponse {
  return new ReconnectResponse({ iceServers: [], serverInfo: serverInfo(nodeId) });
}

function serverInfo(nodeId: string): ServerInfo {
  return new ServerInfo({
    edition: ServerInfo_Edition.Standard,
    version: SERVER_VERSION,
    protocol: PROTOCOL,
    nodeId,
  });
}
