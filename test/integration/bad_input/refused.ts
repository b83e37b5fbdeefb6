import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import {
  AlirtcStatusError,
  type AlirtcEvent,
  type EventOf,
  type EventStream,
  type EventType,
} from '../../../client/index.js';

export interface Refusal {
  code: status;
  /** The interface's error name, or one of the daemon's. */
  reason: string;
  /** Of the interface; left out where it has none. */
  number?: number;
  /** Left out: no field of the request is at fault but the engine that it names, or the request as a whole. */
  field?: string;
  value?: string;
  /** What the message has to say. */
  text?: RegExp;
}

/** Asserts that the call is refused so, with a remedy, and gives the error. */
export async function refused(call: Promise<unknown>, expected: Refusal): Promise<AlirtcStatusError> {
  const error = await call.then(
    () => assert.fail(`was accepted, expected ${status[expected.code]} ${expected.reason}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AlirtcStatusError, String(error));
  const { codeName, reason, number, field, value, message } = error;
  const seen = `${codeName} ${reason} ${field ?? ''}: ${message}`;
  assert.equal(codeName, status[expected.code], seen);
  assert.equal(reason, expected.reason, seen);
  assert.equal(number, expected.number, seen);
  if (expected.field !== undefined) assert.equal(field, expected.field, seen);
  else assert.ok(field === undefined || field === 'engine_id' || field === 'request', seen);
  if (expected.value !== undefined) assert.equal(value, expected.value, seen);
  if (expected.text !== undefined) assert.match(message, expected.text);
  assert.ok(error.remedy !== undefined && error.remedy !== '', `no remedy: ${seen}`);
  assert.ok(message.length > 0 && message.length <= 2000, `a message of ${message.length} characters`);
  return error;
}

/** Reads until an event of that type comes that the test takes; rejects at the deadline with what came instead. */
export async function eventOf<Type extends EventType>(
  events: EventStream,
  type: Type,
  accept: (event: EventOf<Type>) => boolean = () => true,
  timeoutMs = 8_000,
): Promise<EventOf<Type>> {
  const seen: string[] = [];
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const event = await within(
      events.next(),
      deadline - performance.now(),
      () => `no ${type}; seen: ${seen.join(', ')}`,
    );
    if (event.done === true) throw new Error(`the events ended before ${type}; seen: ${seen.join(', ')}`);
    seen.push(event.value.type);
    if (isOf(event.value, type) && accept(event.value)) return event.value;
  }
}

function isOf<Type extends EventType>(event: AlirtcEvent, type: Type): event is EventOf<Type> {
  return event.type === type;
}

/** The promise, or a rejection after the time. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, why: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${Math.round(timeoutMs)} ms: ${why()}`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
