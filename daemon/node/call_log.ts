import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { Metadata } from '@grpc/grpc-js';
import type { Logger } from '../../common/logger.js';
import type { CallObserver } from './call_observer.js';

export const REQUEST_ID = 'x-request-id';
const IS_ID = /^[\w.:-]{1,64}$/;
const MAX_VALUE = 64;

interface RunningCall {
  requestId: string;
  isOpen: boolean;
}
const running = new AsyncLocalStorage<RunningCall>();

/** For the logger's mixin: every line that is written while a call runs, and because of it, has the call's id. What an engine does later has none. */
export function requestFields(): { requestId?: string } {
  const call = running.getStore();
  return call?.isOpen === true ? { requestId: call.requestId } : {};
}

/**
 * A line for each call that has ended, with request, engine and channel. The id is the client's own (metadata x-request-id) or a new one, and goes back in the answer's headers. Debug
 * for what went well and for clients that left, info for refusals, warn for what is a fault of ours.
 */
export function logCalls(logger: Logger): CallObserver {
  return ({ method, metadata }) => {
    const call: RunningCall = { requestId: requestIdOf(metadata), isOpen: true };
    let about: Record<string, string> = {};
    return {
      headers: { [REQUEST_ID]: call.requestId },
      enter: (run) => running.run(call, run),
      firstMessage: (message) => (about = subjectOf(message)),
      ended: ({ code, durationMs }) => {
        call.isOpen = false;
        const fields = {
          requestId: call.requestId,
          method,
          ...about,
          status: status[code],
          durationMs: Math.round(durationMs),
        };
        logger[levelOf(code)](fields, 'call');
      },
    };
  };
}

function levelOf(code: status): 'debug' | 'info' | 'warn' {
  if (code === status.OK || code === status.CANCELLED) return 'debug';
  return code === status.INTERNAL || code === status.UNKNOWN ? 'warn' : 'info';
}

function requestIdOf(metadata: Metadata): string {
  const [given] = metadata.get(REQUEST_ID).map(String);
  return given !== undefined && IS_ID.test(given) ? given : randomBytes(8).toString('hex');
}

/** The first message may be of any kind, also one that could not be read. A push stream names its engine in `open`. */
function subjectOf(message: unknown): Record<string, string> {
  const { engineId, channelId, message: first } = message as Record<string, unknown>;
  const open = (first as { value?: { engineId?: unknown } } | undefined)?.value?.engineId;
  const fields = Object.entries({ engineId: engineId ?? open, channel: channelId });
  return Object.fromEntries(
    fields.flatMap(([name, value]) =>
      typeof value === 'string' && value !== '' ? [[name, value.slice(0, MAX_VALUE)] as const] : [],
    ),
  );
}
