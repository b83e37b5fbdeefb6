import { ResponderBuilder, ServerInterceptingCall, ServerListenerBuilder, status } from '@grpc/grpc-js';
import type { Metadata, ServerInterceptor } from '@grpc/grpc-js';

export interface StartedCall {
  /** Fully qualified: "alirtc.v1.EngineService/JoinChannel". */
  method: string;
  /** Streams live for as long as their client likes. */
  isUnary: boolean;
  /** What the client sent. */
  metadata: Metadata;
}

export interface CallEnd {
  code: status;
  durationMs: number;
}

/** One call, as an observer follows it. */
export interface CallWatch {
  /** The first message of the client. It may be one that could not be read. */
  firstMessage?(message: unknown): void;
  /** Goes around whatever the call's handler does at once. */
  enter?(run: () => void): void;
  /** Added to the answer's headers. */
  headers?: Readonly<Record<string, string>>;
  /** Exactly once. */
  ended?(end: CallEnd): void;
}

export type CallObserver = (call: StartedCall) => CallWatch | undefined;

/** One interceptor for all that look at calls: metrics, logs, traces. Messages of streams pass through it untouched. */
export function observeCalls(observers: readonly CallObserver[]): ServerInterceptor {
  return (definition, call) => {
    const startedMs = performance.now();
    const isUnary = !definition.requestStream && !definition.responseStream;
    const method = definition.path.slice(1);
    let watches: CallWatch[] = [];
    let isFirst = true;
    let isOver = false;
    const end = (code: status): void => {
      if (isOver) return;
      isOver = true;
      const durationMs = performance.now() - startedMs;
      for (const watch of watches) watch.ended?.({ code, durationMs });
    };
    const inside = (run: () => void): void =>
      watches.reduce<() => void>(
        (inner, watch) => (watch.enter === undefined ? inner : () => watch.enter?.(inner)),
        run,
      )();
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        watches = observers.map((observe) => observe({ method, isUnary, metadata })).filter((one) => one !== undefined);
        inside(() => next(metadata));
      })
      .withOnReceiveMessage((message: unknown, next) => {
        if (!isFirst) return next(message);
        isFirst = false;
        for (const watch of watches) watch.firstMessage?.(message);
        inside(() => next(message));
      })
      .withOnReceiveHalfClose((next) => inside(next))
      // Also called when a call has ended in order; then nothing is left to tell.
      .withOnCancel(() => end(Number(call.getDeadline()) <= Date.now() ? status.DEADLINE_EXCEEDED : status.CANCELLED))
      .build();
    const responder = new ResponderBuilder()
      .withStart((next) => next(listener))
      .withSendMetadata((metadata, next) => {
        for (const watch of watches)
          for (const [name, value] of Object.entries(watch.headers ?? {})) metadata.set(name, value);
        next(metadata);
      })
      .withSendStatus((answer, next) => {
        end(answer.code ?? status.UNKNOWN);
        next(answer);
      })
      .build();
    return new ServerInterceptingCall(call, responder);
  };
}
