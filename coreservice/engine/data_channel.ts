import { AlirtcError, messageOf } from '../../common/errors.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';
import type { Logger } from '../../common/logger.js';
import { DataMsgType } from '../ipc/enums.js';
import { MAX_DATA_BYTES } from '../ipc/limits.js';
import type { DataMessage, Room } from '../rtc/types.js';
import type { Outbox } from './outbox.js';
import type { Settings } from './settings.js';

/** The LiveKit topic of SendDataChannelMessage. */
export const DATA_TOPIC = 'alirtc.data';
const NEWLINE = 0x0a;

export interface DataFields {
  networkTime: number;
  progress: number;
  type: number;
}

/**
 * A message on the topic is one line of JSON {"type", "networkTime", "progress"}, a newline, and the bytes. What does not begin with such a line is taken as
 * the bytes of a custom message, so that any LiveKit client can send one.
 */
export function encodeDataMessage(fields: DataFields, data: Buffer): Buffer {
  const { type, networkTime, progress } = fields;
  return Buffer.concat([Buffer.from(`${JSON.stringify({ type, networkTime, progress })}\n`, 'utf8'), data]);
}

export function decodeDataMessage(payload: Buffer): { fields: DataFields; data: Buffer } {
  const custom = { fields: { type: DataMsgType.Custom, networkTime: 0, progress: 0 }, data: payload };
  const end = payload.subarray(0, 256).indexOf(NEWLINE);
  if (end < 0 || payload[0] !== 0x7b) return custom;
  try {
    const json = JSON.parse(payload.toString('utf8', 0, end)) as unknown;
    if (typeof json !== 'object' || json === null || !('type' in json)) return custom;
    const whole = (key: string): number => {
      const value = (json as Record<string, unknown>)[key];
      return Number.isSafeInteger(value) ? (value as number) : 0;
    };
    const fields = { type: whole('type'), networkTime: whole('networkTime'), progress: whole('progress') };
    // A number that the interface does not have would end the reading of a vendor's host.
    if (fields.type !== DataMsgType.Progress && fields.type !== DataMsgType.Custom) fields.type = DataMsgType.None;
    return { fields, data: payload.subarray(end + 1) };
  } catch {
    return custom;
  }
}

export interface DataChannelParts {
  settings: Settings;
  outbox: Outbox;
  logger: Logger;
}

/** Data messages: off until SetParameter switches a direction on; streamers send, everybody may receive. */
export class DataChannel {
  constructor(private readonly parts: DataChannelParts) {}

  /** `mayPublish`: we are a streamer in the channel. */
  send(room: Room | undefined, mayPublish: boolean, fields: DataFields, data: Buffer): void {
    const { settings, outbox, logger } = this.parts;
    if (room === undefined) throw refuse('NOT_IN_CHANNEL', 'data messages can be sent only in a channel');
    if (!settings.dataChannel.publish)
      throw refuse('DATA_CHANNEL_OFF', 'switch it on with SetParameter {"data":{"enablePubDataChannel":true}}');
    if (!mayPublish) throw refuse('DATA_CHANNEL_AUDIENCE', 'audience cannot send data messages');
    if (data.length > MAX_DATA_BYTES)
      throw refuse('DATA_TOO_LONG', `${data.length} bytes; a data message has at most ${MAX_DATA_BYTES}`);
    room.sendData(encodeDataMessage(fields, data), { topic: DATA_TOPIC, reliable: true }).catch((error: unknown) => {
      logger.warn({ err: error }, 'a data message was not sent');
      outbox.error('ERR_INNER', { reason: 'DATA_NOT_SENT', text: messageOf(error) });
    });
  }

  receive(message: DataMessage): void {
    const { settings, outbox } = this.parts;
    if (!settings.dataChannel.subscribe || message.topic !== DATA_TOPIC) return;
    const { fields, data } = decodeDataMessage(message.payload);
    outbox.event('DATA_CHANNEL_MESSAGE', { uid: message.identity, ...fields }, data);
  }
}

function refuse(reason: string, text: string): AlirtcError {
  return new AlirtcError('failed_precondition', text, { reason, number: ERROR_NUMBERS.ERR_SDK_INVALID_STATE });
}
