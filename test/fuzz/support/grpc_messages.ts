import type { Field, Message, Method } from '../../integration/bad_input/table/contract.js';
import { METHOD_RECORDS } from '../../integration/bad_input/table/method_records.js';
import { EDGES } from './mutate.js';
import { oddJson } from './odd_json.js';
import type { Random } from './random.js';

/** What requests name, so that they reach something. */
export interface RequestPool {
  engines: string[];
  users: readonly string[];
  channels: readonly string[];
  tokens: { token: string; userId: string; channelId: string; authInfo: Record<string, unknown> }[];
}

type Json = Record<string, unknown>;

const PARAMETERS = [
  '{}',
  '{"data":{"enablePubDataChannel":true,"enableSubDataChannel":true}}',
  '{"alirtcd":{"demand":7}}',
  '{"audio":{"user_specified_codec_type":"MULTI_OPUS"}}',
  '[',
];

/**
 * A request of the method: one that its record in the table of the contract calls right, for an engine and user that there are, then (unless `isRight`) with
 * some fields changed to anything of their type. Of a push stream only the part that is named.
 */
export function oddRequest(
  random: Random,
  method: Method,
  pool: RequestPool,
  isRight: boolean,
  part?: 'open' | 'frame',
): Json {
  const record = METHOD_RECORDS[method.name];
  const variants = [record?.request ?? {}, ...(record?.variants ?? []).map(({ request }) => request)];
  let request: Json = structuredClone(random.pick(variants));
  if (part !== undefined) request = { [part]: request[part] ?? {} };
  const target = part === 'open' ? (request['open'] as Json) : request;
  if (part !== 'frame' && hasEngine(method, part) && random.chance(0.97))
    target['engine_id'] =
      random.chance(0.95) && pool.engines.length > 0 ? random.pick(pool.engines) : 'eng_aaaaaaaaaaaa';
  if ('uid' in request) request['uid'] = random.pick(pool.users);
  if (method.name === 'EngineService.JoinChannel') joinRequest(random, request, pool);
  if (method.name === 'EngineService.SetParameter') request['params'] = random.pick(PARAMETERS);
  // The daemon has a limit for it, and joins for hours are of no use here.
  if (method.name === 'EngineService.SetPeriodForCheckPeople') request['seconds'] = random.below(3);
  if (method.name === 'EngineService.SetExternalVideoSource') request['source_type'] = random.between(1, 2);
  if (isRight || random.chance(0.35)) return request;
  const message = part === undefined ? method.request : fieldOf(method.request, part)?.message;
  const inside = part === undefined ? request : (request[part] as Json);
  if (message !== undefined)
    for (let left = 1 + random.size(5); left > 0; left--) changeField(random, message, inside, pool);
  return request;
}

function hasEngine(method: Method, part: string | undefined): boolean {
  const message = part === undefined ? method.request : fieldOf(method.request, part)?.message;
  return message?.fields.some(({ name }) => name === 'engine_id') ?? false;
}

function fieldOf(message: Message, name: string): Field | undefined {
  return message.fields.find((field) => field.name === name);
}

function joinRequest(random: Random, request: Json, pool: RequestPool): void {
  const { token, userId, channelId, authInfo } = random.pick(pool.tokens);
  const config = { channel_profile: random.below(4), publish_mode: random.below(3), subscribe_mode: random.below(5) };
  for (const key of Object.keys(request)) Reflect.deleteProperty(request, key === 'engine_id' ? '' : key);
  if (random.chance(0.8)) request['token'] = token;
  else request['auth_info'] = snake(authInfo);
  Object.assign(request, { channel_id: channelId, user_id: userId, config });
  if (random.chance(0.4)) request['wait'] = true;
}

function snake(object: Json): Json {
  const name = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(object ?? {}).map(([key, value]) => [name(key), value]));
}

function changeField(random: Random, message: Message, value: Json, pool: RequestPool): void {
  if (message.fields.length === 0) return;
  const field = random.pick(message.fields);
  if (field.name === 'engine_id' && random.chance(0.9)) return;
  if (random.chance(0.1)) Reflect.deleteProperty(value, field.name);
  else if (field.repeated)
    value[field.name] = Array.from({ length: random.size(40) }, () => anyOf(random, field, pool));
  else value[field.name] = anyOf(random, field, pool, value[field.name]);
}

function anyOf(random: Random, field: Field, pool: RequestPool, before?: unknown): unknown {
  switch (field.type) {
    case 'TYPE_BOOL':
      return random.chance(0.5);
    case 'TYPE_STRING':
      return anyText(random, pool);
    case 'TYPE_BYTES':
      return random.bytes(random.size(random.chance(0.05) ? 300_000 : 5000));
    case 'TYPE_ENUM':
      return random.chance(0.9) && field.numbers.length > 0
        ? random.pick(field.numbers)
        : random.pick([99, -1, 2 ** 31 - 1]);
    case 'TYPE_MESSAGE': {
      const inner = structuredClone(typeof before === 'object' && before !== null ? before : {}) as Json;
      if (field.message !== undefined)
        for (let left = random.size(4); left >= 0; left--) changeField(random, field.message, inner, pool);
      return inner;
    }
    default: {
      const isSmall = random.chance(0.5);
      const number = isSmall
        ? random.between(-2, 100)
        : random.pick(EDGES.filter((edge) => edge < 2 ** 31)) * random.pick([1, -1]);
      return field.type.startsWith('TYPE_U') ? Math.abs(number) : number;
    }
  }
}

function anyText(random: Random, pool: RequestPool): string {
  switch (random.below(7)) {
    case 0:
      return random.pick(pool.users);
    case 1:
      return oddJson(random).slice(0, 100_000);
    case 2:
      return random.bytes(random.size(300)).toString('latin1');
    case 3:
      return random.pick([
        '',
        ' ',
        '\0',
        '../..',
        '/etc/passwd',
        'ws://127.0.0.1:1',
        'a\ud83d',
        '%s',
        '\r\nx: y',
        'info',
        'trace',
      ]);
    case 4:
      return 'x'.repeat(random.size(20_000));
    case 5:
      return random.pick(pool.tokens).token;
    default:
      return random.pick(pool.channels);
  }
}
