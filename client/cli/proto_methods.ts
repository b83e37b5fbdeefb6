import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { load } from '@grpc/proto-loader';
import type { AnyDefinition, EnumTypeDefinition, MessageTypeDefinition, PackageDefinition } from '@grpc/proto-loader';
import { messageOf } from '../../common/errors.js';
import { invalidArgument } from '../status_error.js';
import type { Method } from '../transport.js';

export interface ProtoMethod extends Method<object, object> {
  readonly responseStream: boolean;
  readonly requestType: MessageTypeDefinition<object, object>;
}

/** What of a descriptor is looked at (google.protobuf.DescriptorProto, EnumDescriptorProto). */
interface FieldDescriptor {
  name: string;
  label: string;
  type: string;
  typeName: string;
}
interface MessageDescriptor {
  field: FieldDescriptor[];
}
interface EnumDescriptor {
  value: { name: string; number: number }[];
}

/** The methods of .proto files, as a client without generated code sees them. */
export class ProtoMethods {
  readonly #definitions: PackageDefinition;
  readonly #methods = new Map<string, ProtoMethod & { requestStream: boolean }>();

  private constructor(definitions: PackageDefinition) {
    this.#definitions = definitions;
    for (const definition of Object.values(definitions)) {
      if (!isService(definition)) continue;
      // Of the two names that the loader gives each method, the path has the proto's.
      for (const method of Object.values(definition)) this.#methods.set(method.path.slice(1), method);
    }
  }

  static async load(folder: string): Promise<ProtoMethods> {
    try {
      const files = (await readdir(path.join(folder, 'alirtc', 'v1'))).filter((name) => name.endsWith('.proto'));
      const paths = files.map((name) => path.join('alirtc', 'v1', name));
      const options = { includeDirs: [folder], keepCase: true, longs: Number, enums: String, defaults: true };
      return new ProtoMethods(await load(paths, options));
    } catch (error) {
      const text = `reading the .proto files in ${folder}: ${messageOf(error)}`;
      throw invalidArgument(text, 'proto', 'name the folder that holds alirtc/v1/*.proto with --proto');
    }
  }

  /** Those that `alirtc call` can call, in the order of the files. */
  get names(): string[] {
    return [...this.#methods].flatMap(([full, { requestStream }]) =>
      requestStream ? [] : [full.replace(/^.*\//, '')],
    );
  }

  /** "JoinChannel", "EngineService/JoinChannel" or "alirtc.v1.EngineService/JoinChannel"; case does not matter. */
  find(name: string): ProtoMethod {
    const wanted = name.replace(/^\//, '').toLowerCase();
    const found = [...this.#methods].filter(([full]) => {
      const lower = full.toLowerCase();
      return lower === wanted || lower.endsWith(`.${wanted}`) || lower.endsWith(`/${wanted}`);
    });
    const method = found[0]?.[1];
    if (method === undefined || found.length > 1) {
      const names = [...this.#methods.keys()].map((full) => full.replace(/^.*\//, ''));
      const similar = names.filter((other) => other.toLowerCase().includes(wanted));
      const remedy = `use one of ${(similar.length > 0 ? similar : names).join(', ')}`;
      throw invalidArgument(`there is no method "${name}"`, 'method', remedy);
    }
    if (method.requestStream)
      throw invalidArgument(`${name} takes a stream of requests`, 'method', 'use "alirtc play", or a client library');
    return method;
  }

  /** The request as the loader takes it. Throws for fields and names that the .proto does not have: the loader would leave them out silently. */
  request(method: ProtoMethod, json: Record<string, unknown>): object {
    return this.#convert(method.requestType, json, '');
  }

  #convert(type: MessageTypeDefinition<object, object>, json: Record<string, unknown>, at: string): object {
    const fields = (type.type as MessageDescriptor).field;
    const entries = Object.entries(json).map(([key, value]): [string, unknown] => {
      const field = fields.find(({ name }) => name === key || camelCase(name) === key);
      if (field === undefined)
        throw invalidArgument(`there is no field "${at}${key}"`, `${at}${key}`, `use ${names(fields)}`);
      return [field.name, this.#value(field, value, `${at}${field.name}`)];
    });
    return Object.fromEntries(entries);
  }

  #value(field: FieldDescriptor, value: unknown, at: string): unknown {
    if (field.label === 'LABEL_REPEATED' && Array.isArray(value))
      return value.map((item: unknown, index) => this.#single(field, item, `${at}[${index}]`));
    return this.#single(field, value, at);
  }

  #single(field: FieldDescriptor, value: unknown, at: string): unknown {
    if (field.type === 'TYPE_MESSAGE') {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw invalidArgument(`${at} is not an object`, at, 'write it as a JSON object');
      const type = this.#type(field) as MessageTypeDefinition<object, object>;
      return this.#convert(type, value as Record<string, unknown>, `${at}.`);
    }
    if (field.type === 'TYPE_ENUM') return this.#enumValue(field, value, at);
    checkScalar(field.type, value, at);
    return value;
  }

  #enumValue(field: FieldDescriptor, value: unknown, at: string): unknown {
    const values = (this.#type(field) as EnumTypeDefinition & { type: EnumDescriptor }).type.value;
    if (values.some(({ name, number }) => name === value || number === value)) return value;
    throw invalidArgument(`${at} is ${JSON.stringify(value)}`, at, `use ${names(values)}`);
  }

  /** typeName is ".alirtc.v1.X", or relative to the package. */
  #type(field: FieldDescriptor): AnyDefinition {
    const name = field.typeName.replace(/^\./, '');
    const type = this.#definitions[name] ?? this.#definitions[`alirtc.v1.${name}`];
    if (type === undefined) throw new Error(`the .proto files have no type ${field.typeName}`);
    return type;
  }
}

type Service = Record<string, ProtoMethod & { requestStream: boolean }>;

function isService(definition: AnyDefinition): definition is Extract<AnyDefinition, Service> {
  return !('format' in definition);
}

function checkScalar(type: string, value: unknown, at: string): void {
  const wanted =
    type === 'TYPE_BOOL' ? 'boolean' : type === 'TYPE_STRING' || type === 'TYPE_BYTES' ? 'string' : 'number';
  // 64-bit numbers may be strings, as everywhere in JSON.
  const isNumber = wanted === 'number' && typeof value === 'string' && /^-?[0-9]+$/.test(value);
  if (typeof value === wanted || isNumber) return;
  const remedy = type === 'TYPE_BYTES' ? 'write bytes as base64' : `write a ${wanted}`;
  throw invalidArgument(`${at} is ${JSON.stringify(value)}, not a ${wanted}`, at, remedy);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function names(items: { name: string }[]): string {
  return items.length === 0 ? 'none: it has no fields' : items.map(({ name }) => name).join(', ');
}
