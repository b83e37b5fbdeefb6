import { JoinRequest, SignalRequest, SignalResponse, WrappedJoinRequest } from '@livekit/protocol';
import { gzipSync } from 'node:zlib';
import { corpus } from './corpus.js';
import { EDGES, mutate, mutateLines } from './mutate.js';
import type { Random } from './random.js';

type Message = SignalRequest | SignalResponse;
type Kind = 'signal_requests' | 'signal_responses';

const TEXTS = [
  '',
  'x',
  'TR_none',
  'PA_none',
  '_reliable',
  '\0',
  'ü'.repeat(100),
  'x'.repeat(5000),
  '../../x',
  '{',
  'null',
];

/** One value somewhere inside is another one of its type; the message stays one that its type allows. */
function change(random: Random, value: unknown, depth = 0): unknown {
  if (typeof value === 'string') {
    if (value.startsWith('v=0')) return oddSdp(random, value);
    return random.chance(0.5) ? random.pick(TEXTS) : mutate(random, Buffer.from(value)).toString('utf8');
  }
  if (typeof value === 'number')
    return Number.isInteger(value) ? (random.pick(EDGES) % 2 ** 31) * random.pick([1, -1]) : value;
  if (typeof value === 'bigint') return BigInt(Math.trunc(random.pick(EDGES.filter((edge) => edge < 2 ** 53))));
  if (typeof value === 'boolean') return !value;
  if (value instanceof Uint8Array) return mutate(random, Buffer.from(value));
  if (Array.isArray(value)) {
    const items = value as unknown[];
    if (items.length === 0 || random.chance(0.2)) return random.chance(0.5) ? [] : [...items, ...items].slice(0, 500);
    const at = random.below(items.length);
    return items.map((item, index) => (index === at ? change(random, item, depth + 1) : item));
  }
  if (typeof value === 'object' && value !== null && depth < 8) {
    const keys = Object.keys(value).filter((key) => key !== 'case');
    if (keys.length === 0) return value;
    const key = random.pick(keys);
    const old = (value as Record<string, unknown>)[key];
    // A message inside may be missing.
    if (typeof old === 'object' && depth > 0 && random.chance(0.1))
      return Object.assign(clone(value), { [key]: undefined });
    return Object.assign(clone(value), { [key]: change(random, old, depth + 1) });
  }
  return value;
}

function clone(value: object): object {
  return Object.assign(Object.create(Object.getPrototypeOf(value) as object | null) as object, value);
}

export function oddSdp(random: Random, sdp: string): string {
  const others = corpus('sdp').map((each) => each.toString());
  return random.chance(0.05) ? mutate(random, Buffer.from(sdp)).toString('latin1') : mutateLines(random, sdp, others);
}

function typeOf(kind: Kind): typeof SignalRequest | typeof SignalResponse {
  return kind === 'signal_requests' ? SignalRequest : SignalResponse;
}

/** A frame with one value changed by its type; where the wire cannot hold it, with bytes changed. */
export function oddFrame(random: Random, kind: Kind, frame: Buffer = random.pick(corpus(kind))): Buffer {
  const real = corpus(kind);
  if (random.chance(0.2)) return mutate(random, frame, real);
  try {
    let message: Message = typeOf(kind).fromBinary(frame);
    for (let left = 1 + random.size(4); left > 0; left--) message = change(random, message) as Message;
    return Buffer.from(message.toBinary());
  } catch {
    return mutate(random, frame, real);
  }
}

/** The query of a join by one connection, right or wrong. */
export function oddJoinRequest(random: Random): string {
  const offers = corpus('sdp').map((each) => each.toString());
  const offer = { type: 'offer', sdp: oddSdp(random, random.pick(offers)), id: 1 };
  let request = new JoinRequest({
    clientInfo: { clientProtocol: 15 },
    connectionSettings: { autoSubscribe: true },
    metadata: random.pick(TEXTS),
    participantAttributes: { [random.pick(TEXTS)]: random.pick(TEXTS) },
    addTrackRequests: [{ cid: 'camera', type: random.below(4), source: random.below(6), width: 640, height: 360 }],
    publisherOffer: random.chance(0.7) ? offer : undefined,
    reconnect: random.chance(0.1),
  } as ConstructorParameters<typeof JoinRequest>[0]);
  if (random.chance(0.5)) request = change(random, request) as JoinRequest;
  let inner: Buffer = safely(() => Buffer.from(request.toBinary()), Buffer.alloc(0));
  if (random.chance(0.3)) inner = mutate(random, inner);
  const compression = random.below(3);
  let joinRequest: Buffer = compression === 1 ? gzipSync(inner) : inner;
  if (random.chance(0.2)) joinRequest = mutate(random, joinRequest);
  // A short text that unpacks to more than a server takes.
  if (random.chance(0.02)) joinRequest = gzipSync(Buffer.alloc(8_000_000));
  let wrapped: Buffer = Buffer.from(
    new WrappedJoinRequest({ compression: random.chance(0.9) ? compression : 1, joinRequest }).toBinary(),
  );
  if (random.chance(0.2)) wrapped = mutate(random, wrapped);
  const text = wrapped.toString(random.pick(['base64', 'base64url'] as const));
  return random.chance(0.1) ? mutate(random, Buffer.from(text)).toString('latin1') : text;
}

function safely<T>(make: () => T, otherwise: T): T {
  try {
    return make();
  } catch {
    return otherwise;
  }
}
