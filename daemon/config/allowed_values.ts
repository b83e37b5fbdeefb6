import * as z from 'zod';
import { configSchema } from './schema.js';
import type { Defaults, SettingName } from './schema.js';

/** The part of JSON Schema that says something to people. */
interface ValueSchema {
  type?: string;
  enum?: readonly unknown[];
  minimum?: number;
  maximum?: number;
  anyOf?: readonly ValueSchema[];
  items?: ValueSchema;
}

/** What a setting takes, in words; undefined: only its description says it. */
export function allowedValues(name: SettingName, defaults: Defaults): string | undefined {
  const schema = z.toJSONSchema(configSchema(defaults), { io: 'input', unrepresentable: 'any' });
  const properties = (schema.properties ?? {}) as Readonly<Record<string, ValueSchema>>;
  return wordsOf(properties[name] ?? {});
}

function wordsOf(schema: ValueSchema): string | undefined {
  const { type, minimum, maximum } = schema;
  if (schema.enum !== undefined) return schema.enum.map(String).join(', ');
  if (type === 'integer' && minimum !== undefined && maximum !== undefined)
    return `a whole number from ${minimum} to ${maximum}`;
  if (schema.anyOf?.some((one) => one.type === 'boolean') === true) return 'on, off';
  return undefined;
}
