import { DataPacket, DataPacket_Kind, UserPacket } from '@livekit/protocol';
import type { DataMessage } from '../types.js';

/** A message of ours as it goes into a data channel. */
export function packUserData(
  payload: Buffer,
  { topic, reliable }: { topic: string; reliable: boolean },
  { sid, identity }: { sid: string; identity: string },
): DataPacket {
  const kind = reliable ? DataPacket_Kind.RELIABLE : DataPacket_Kind.LOSSY;
  const user = new UserPacket({
    payload: new Uint8Array(payload),
    topic,
    participantSid: sid,
    participantIdentity: identity,
  });
  return new DataPacket({ kind, participantIdentity: identity, value: { case: 'user', value: user } });
}

/** What came on a data channel; undefined when it is for others than users. Throws when it is no DataPacket. */
export function readUserData(data: Buffer, reliable: boolean): DataMessage | undefined {
  const packet = DataPacket.fromBinary(data);
  if (packet.value.case !== 'user') return undefined;
  const { payload, topic, participantIdentity } = packet.value.value;
  const identity = packet.participantIdentity !== '' ? packet.participantIdentity : participantIdentity;
  return { identity, topic: topic ?? '', payload: Buffer.from(payload), reliable };
}
