import type { DataPacket } from '@livekit/protocol';
import type { Participant } from './participant.js';

/** Everybody but the sender, or those whom the packet names (by identity, or by sid as older clients do). */
export function addressees<P extends { identity: string; sid: string }>(
  packet: DataPacket,
  sender: P,
  all: Iterable<P>,
): P[] {
  const user = packet.value.case === 'user' ? packet.value.value : undefined;
  const identities = new Set([...packet.destinationIdentities, ...(user?.destinationIdentities ?? [])]);
  const sids = new Set(user?.destinationSids ?? []);
  const everybody = identities.size === 0 && sids.size === 0;
  return [...all].filter(
    (candidate) => candidate !== sender && (everybody || identities.has(candidate.identity) || sids.has(candidate.sid)),
  );
}

/** Who sent it is what the server knows, not what the packet says. A hidden sender stays nameless. */
export function stampSender(packet: DataPacket, sender: Pick<Participant, 'identity' | 'sid' | 'hidden'>): void {
  packet.participantIdentity = sender.hidden ? '' : sender.identity;
  packet.participantSid = sender.hidden ? '' : sender.sid;
  if (packet.value.case !== 'user') return;
  packet.value.value.participantIdentity = packet.participantIdentity;
  packet.value.value.participantSid = packet.participantSid;
}
