import type { Field, Message, Method } from './contract.js';
import type { Refusal } from './expectation.js';
import { ENGINE_ID_RULE, FIELD_RULES } from './field_rules.js';
import type { MethodRecord, Request } from './method_records.js';
import type { Rule } from './value_rules.js';

/** One call with one value changed. */
export interface ValueRow {
  title: string;
  request: Request;
  /** Undefined: it ends as the record's own request. */
  refusal: Refusal | undefined;
  /** True: only what opens the stream is sent. */
  opensOnly: boolean;
}

/** Every field of the request and of what is nested in it, with the key of its rule; undefined when none is declared. */
export function declaredFields(method: Method): { path: string; field: Field; key: string; rule: Rule | undefined }[] {
  const walk = (message: Message, prefix: string): ReturnType<typeof declaredFields> =>
    message.fields.flatMap((field) => {
      const path = `${prefix}${field.name}`;
      const own = `${method.name} ${path}`;
      const key = own in FIELD_RULES ? own : `${message.name}.${field.name}`;
      const rule = field.name === 'engine_id' ? (FIELD_RULES[own] ?? ENGINE_ID_RULE) : FIELD_RULES[key];
      return [{ path, field, key, rule }, ...(field.message === undefined ? [] : walk(field.message, `${path}.`))];
    });
  return walk(method.request, '');
}

export function valueRows(method: Method, record: MethodRecord): ValueRow[] {
  return declaredFields(method).flatMap(({ path, field, rule }) => {
    const [top = path] = path.split('.');
    const base = record.arms?.[top] ?? record.request;
    // What opens a push stream is told by its own names.
    const told = path.replace(/^open\./, '');
    return (rule?.samples(field) ?? []).map(({ title, value, refusal }) => ({
      title: `${path} ${title}`,
      request: changed(base, path.split('.'), value),
      refusal: refusal === undefined ? undefined : { ...refusal, field: refusal.field ?? told },
      opensOnly: method.requestStream && top === 'open',
    }));
  });
}

/** The request as the messages that go out. */
export function messagesOf(method: Method, request: Request, opensOnly: boolean): Buffer[] {
  if (!method.requestStream) return [method.encode(request)];
  const { open, frame } = request;
  const arms = opensOnly ? [{ open }] : [{ open }, { frame }];
  return arms.map((arm) => method.encode(arm));
}

/** The request for that engine, unless a row is about the id. */
export function forEngine(method: Method, request: Request, engineId: string): Request {
  if (method.request.fields.some(({ name }) => name === 'engine_id')) return { engine_id: engineId, ...request };
  const open = request['open'] as Request | undefined;
  return open === undefined ? request : { ...request, open: { engine_id: engineId, ...open } };
}

/** A copy with that value at the path; undefined takes the field away. */
function changed(request: Request, [name = '', ...rest]: readonly string[], value: unknown): Request {
  if (rest.length > 0) return { ...request, [name]: changed((request[name] ?? {}) as Request, rest, value) };
  if (value !== undefined) return { ...request, [name]: value };
  return Object.fromEntries(Object.entries(request).filter(([key]) => key !== name));
}
