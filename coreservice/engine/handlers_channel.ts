import { AlirtcError, messageOf } from '../../common/errors.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';
import { ClientRole } from '../ipc/enums.js';
import type { CoreEngine } from './core_engine.js';
import { parseDemand } from './demand.js';
import type { Handlers } from './handlers.js';
import { parsePictureLanes } from './picture_lanes.js';
import { applyObserverKeys, unknownKeys } from './settings.js';

const DEFAULT_CHECK_PEOPLE_SECONDS = 5;
/** A warning lists the unknown keys up to this length. */
const MAX_LISTED_CHARACTERS = 1000;

/** Life, join and leave, role, parameters, questions. */
export const CHANNEL_HANDLERS: Handlers = {
  CREATE_RTC_ENGINE: (engine, { extra, alirtcd }) => {
    if (typeof alirtcd?.['url'] === 'string') engine.settings.url = alirtcd['url'];
    const urls = alirtcd?.['urls'];
    if (Array.isArray(urls)) engine.settings.urls = urls.filter((one) => typeof one === 'string');
    if (extra.trim() === '') return;
    const json = parseObject('extra', extra);
    const extension = objectAt(json, 'alirtcd') ?? {};
    applyConnections(engine, extension);
    const { url } = extension;
    if (typeof url === 'string' && url !== '') Object.assign(engine.settings, { url, urls: undefined });
    applyParameters(engine, 'extra', json);
  },
  DESTROY_ENGINE: (engine) => engine.destroy(),
  JOIN_CHANNEL: (engine, _fields, _payload, command) => engine.membership.join(command),
  JOIN_CHANNEL_V2: (engine, _fields, _payload, command) => engine.membership.join(command),
  JOIN_CHANNEL_V3: (engine, _fields, _payload, command) => engine.membership.join(command),
  LEAVE_CHANNEL: (engine) => void engine.membership.leave(),
  SET_CLIENTROLE: (engine, { role }) => {
    if (role !== ClientRole.Interactive && role !== ClientRole.Live)
      throw badParameter('role', `${role} is no client role`);
    engine.roles.set(role);
  },
  SET_PARAMETER: (engine, { param }) => {
    const json = parseObject('param', param);
    applyParameters(engine, 'param', json);
    applyExtension(engine, objectAt(json, 'alirtcd') ?? {});
  },
  SET_PERIOD_FOR_CHECK_PEOPLE: (engine, { seconds }) => {
    engine.settings.checkPeopleSeconds = Number.isFinite(seconds) ? Math.max(0, seconds) : DEFAULT_CHECK_PEOPLE_SECONDS;
  },
  LEAVE_ONCE_NO_STREAMER: (engine, { enable }) => {
    engine.settings.leaveOnceNoStreamer = enable;
  },
  // The host waits for this one before every command 16: answered at once.
  GET_NEED_TEST_CYCLE_ROUND: (engine) => engine.outbox.event('NEED_TEST_CYCLE_ROUND', { isEnable: false }),
  GET_SDK_VERSION: (engine) => engine.lanes.tell(),
};

function applyParameters(engine: CoreEngine, field: string, json: Record<string, unknown>): void {
  let corrections: string[];
  try {
    corrections = applyObserverKeys(engine.settings, json);
  } catch (error) {
    throw badParameter(field, messageOf(error));
  }
  const data = objectAt(json, 'data');
  const { dataChannel } = engine.settings;
  if (typeof data?.['enablePubDataChannel'] === 'boolean') dataChannel.publish = data['enablePubDataChannel'];
  if (typeof data?.['enableSubDataChannel'] === 'boolean') dataChannel.subscribe = data['enableSubDataChannel'];
  engine.observerChanged();
  if (corrections.length > 0) engine.outbox.warning('PARAMETER_CORRECTED', corrections.join('; '));
  const unknown = unknownKeys(json).join(', ');
  if (unknown !== '')
    engine.outbox.warning('UNKNOWN_PARAMETERS', `not known in ${field}: ${unknown.slice(0, MAX_LISTED_CHARACTERS)}`);
}

function applyConnections(engine: CoreEngine, { connections }: Record<string, unknown>): void {
  if (connections === undefined) return;
  if (connections !== 'auto' && connections !== 'single' && connections !== 'dual')
    throw badParameter('alirtcd.connections', 'alirtcd.connections is "auto", "single" or "dual"');
  engine.settings.connections = connections;
}

/** ParameterExtension of ipc/extension.ts. */
function applyExtension(engine: CoreEngine, extension: Record<string, unknown>): void {
  const { demand, credits, pictureRing, pictureLanes, requestKeyFrame, reconnectLimitMs, logLevel } = extension;
  if (demand !== undefined) {
    try {
      engine.demand.setExplicit(parseDemand(demand));
    } catch (error) {
      throw badParameter('alirtcd.demand', messageOf(error));
    }
  }
  applyConnections(engine, extension);
  if (typeof pictureRing === 'boolean') engine.settings.pictureRing = pictureRing;
  if (pictureLanes !== undefined) {
    try {
      engine.lanes.set(parsePictureLanes(pictureLanes));
    } catch (error) {
      throw badParameter('alirtcd.pictureLanes', `alirtcd.pictureLanes: ${messageOf(error)}`);
    }
  }
  if (typeof credits === 'boolean') engine.local.setCredits(credits);
  if (typeof logLevel === 'string' && (logLevel === 'silent' || logLevel in engine.logger.levels.values))
    engine.logger.level = logLevel;
  if (typeof reconnectLimitMs === 'number' && reconnectLimitMs >= 0)
    engine.settings.reconnectLimitMs = reconnectLimitMs;
  const uid = objectAt(extension, 'requestKeyFrame')?.['uid'];
  const track = objectAt(extension, 'requestKeyFrame')?.['track'];
  if (requestKeyFrame !== undefined && typeof uid === 'string' && typeof track === 'number')
    engine.stay?.roster.get(uid)?.requestKeyFrame(track);
}

function parseObject(field: string, text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw badParameter(field, `${field} is not JSON: ${messageOf(error)}`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw badParameter(field, `${field} is not a JSON object`);
  return json as Record<string, unknown>;
}

function objectAt(json: Record<string, unknown>, key: string): Record<string, unknown> | undefined {
  const value = json[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

export function badParameter(field: string, text: string): AlirtcError {
  return new AlirtcError('invalid_argument', text, {
    reason: 'BAD_PARAMETER',
    number: ERROR_NUMBERS.ERR_SDK_INVALID_STATE,
    field,
  });
}
