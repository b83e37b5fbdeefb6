import { fileURLToPath } from 'node:url';
import { loadSync } from '@grpc/proto-loader';

/** A field as the .proto declares it. */
export interface Field {
  name: string;
  /** descriptor.proto's name: TYPE_INT32, TYPE_STRING, ... */
  type: string;
  repeated: boolean;
  /** Of an enumeration: its numbers. */
  numbers: number[];
  /** Of a nested message. */
  message?: Message;
}

export interface Message {
  name: string;
  fields: Field[];
}

export interface Method {
  /** EngineService.JoinChannel */
  name: string;
  path: string;
  requestStream: boolean;
  responseStream: boolean;
  request: Message;
  /** Of an object with the .proto's names; 64-bit numbers may be strings. Half of a surrogate pair becomes bytes that are no UTF-8. */
  encode: (request: object) => Buffer;
  decode: (bytes: Buffer) => Record<string, unknown>;
}

interface FieldDescriptor {
  name: string;
  label: string;
  type: string;
  typeName: string;
}
interface Descriptor {
  name: string;
  field?: FieldDescriptor[];
  value?: { number: number }[];
}
interface Definition {
  format: string;
  type: Descriptor;
}

const ROOT = fileURLToPath(new URL('../../../../proto/', import.meta.url));
const FILES = ['engine', 'events', 'media', 'node', 'token', 'types'];

/** Every method of every service in proto/alirtc/v1, read at run time: what is added there is in the table at once. */
export function methodsOfContract(): Method[] {
  const definitions = loadSync(
    FILES.map((name) => `alirtc/v1/${name}.proto`),
    { includeDirs: [ROOT], keepCase: true, enums: Number, longs: String, oneofs: true },
  );
  const types = new Map<string, Descriptor>();
  for (const [name, definition] of Object.entries(definitions))
    if ('format' in definition) types.set(simpleName(name), (definition as unknown as Definition).type);
  return Object.entries(definitions).flatMap(([name, definition]) =>
    'format' in definition
      ? []
      : Object.entries(definition).map(([method, how]): Method => {
          const { path, requestStream, responseStream, requestSerialize, responseDeserialize } = how;
          const requestType = how.requestType;
          return {
            name: `${simpleName(name)}.${method}`,
            path,
            requestStream,
            responseStream,
            request: messageOf((requestType.type as unknown as Descriptor).name, types),
            encode: requestSerialize,
            decode: (bytes) => responseDeserialize(bytes) as Record<string, unknown>,
          };
        }),
  );
}

function messageOf(name: string, types: ReadonlyMap<string, Descriptor>): Message {
  const descriptor = types.get(name);
  if (descriptor?.field === undefined) throw new Error(`${name} is no message of the contract`);
  return {
    name,
    fields: descriptor.field.map(({ name: field, label, type, typeName }) => ({
      name: field,
      type,
      repeated: label === 'LABEL_REPEATED',
      numbers: types.get(simpleName(typeName))?.value?.map(({ number }) => number) ?? [],
      ...(type === 'TYPE_MESSAGE' ? { message: messageOf(simpleName(typeName), types) } : {}),
    })),
  };
}

function simpleName(name: string): string {
  return name.split('.').pop() ?? name;
}
