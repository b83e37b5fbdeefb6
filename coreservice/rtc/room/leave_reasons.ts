import { DisconnectReason, LeaveRequest_Action, type LeaveRequest } from '@livekit/protocol';
import type { RoomEndCause } from '../types.js';

const CAUSES: Partial<Record<DisconnectReason, RoomEndCause>> = {
  [DisconnectReason.CLIENT_INITIATED]: 'left',
  [DisconnectReason.DUPLICATE_IDENTITY]: 'duplicate_identity',
  [DisconnectReason.SERVER_SHUTDOWN]: 'server_shutdown',
  [DisconnectReason.PARTICIPANT_REMOVED]: 'participant_removed',
  [DisconnectReason.ROOM_DELETED]: 'room_closed',
  [DisconnectReason.ROOM_CLOSED]: 'room_closed',
  [DisconnectReason.JOIN_FAILURE]: 'join_failed',
};

/** Reasons for which coming back would only be refused, or throw out who took our place. */
const FINAL = new Set([
  DisconnectReason.CLIENT_INITIATED,
  DisconnectReason.DUPLICATE_IDENTITY,
  DisconnectReason.PARTICIPANT_REMOVED,
  DisconnectReason.ROOM_DELETED,
  DisconnectReason.ROOM_CLOSED,
]);

/** Reasons that are the server's trouble, not a decision about us: it, or another one, will take us again. */
const TRANSIENT = new Set([
  DisconnectReason.SERVER_SHUTDOWN,
  DisconnectReason.STATE_MISMATCH,
  DisconnectReason.MIGRATION,
  DisconnectReason.SIGNAL_CLOSE,
  DisconnectReason.CONNECTION_TIMEOUT,
  DisconnectReason.MEDIA_FAILURE,
]);

/** True when the server's Leave means: join again. Resuming is one kind of it; we always rejoin in full. */
export function mayComeBack({ action, canReconnect, reason }: LeaveRequest): boolean {
  if (FINAL.has(reason)) return false;
  if (TRANSIENT.has(reason)) return true;
  return action === LeaveRequest_Action.RECONNECT || action === LeaveRequest_Action.RESUME || canReconnect;
}

export function endCauseOf({ reason }: LeaveRequest): { cause: RoomEndCause; detail: string } {
  return { cause: CAUSES[reason] ?? 'connection_lost', detail: DisconnectReason[reason] ?? String(reason) };
}
