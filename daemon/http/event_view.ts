import type { EventView } from '../../common/console_api.js';
import { GetEventHandlerResponse } from '../../gen/alirtc/v1/events.js';

const MAX_TEXT = 400;
/** What protobuf's JSON puts in front of the names of values. */
const PREFIX =
  /^(ENGINE_STATE|END_CAUSE|ERROR_CODE|PUBLISH_STATE|SUBSCRIBE_STATE|VIDEO_STREAM_TYPE|VIDEO_TRACK_TYPE|VIDEO_TRACK|AUDIO_TRACK|CLIENT_ROLE|CONNECTION_STATUS_CHANGE_REASON|CONNECTION_STATUS|DATA_MSG_TYPE)_(?=[A-Z])/;
const STATISTICS = new Set([
  'onCallStats',
  'onLocalVideoStats',
  'onRemoteVideoStats',
  'onLocalAudioStats',
  'onRemoteAudioStats',
]);

/** True for the callbacks that come every two seconds for each user. */
export function isStatistics(name: string): boolean {
  return STATISTICS.has(name);
}

/** An event for people: names instead of numbers, long texts shortened. */
export function eventView(engineId: string, message: GetEventHandlerResponse): EventView {
  const name = message.event?.$case ?? 'unknown';
  const json = GetEventHandlerResponse.toJSON(message) as Record<string, unknown>;
  const data = readable(json[name]) as Record<string, unknown> | undefined;
  const timeMs = Math.floor(message.timeUs / 1000);
  return { engineId, sequence: message.sequence, timeMs, name, data: { ...plainFields(message), ...data } };
}

/** protobuf's JSON leaves out zeros, and "result 0" is worth to be seen. */
function plainFields({ event }: GetEventHandlerResponse): Record<string, unknown> {
  const fields = Object.entries((event?.value ?? {}) as unknown as Record<string, unknown>);
  return Object.fromEntries(fields.filter(([, value]) => value === 0 || value === false));
}

function readable(value: unknown): unknown {
  if (typeof value === 'string') {
    const text = value.replace(PREFIX, '');
    return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length} characters)` : text;
  }
  if (Array.isArray(value)) return value.slice(0, 100).map(readable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, readable(field)]));
}
