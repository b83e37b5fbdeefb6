import type { EndCause } from '../../../common/lifecycle.js';
import type { Callback, CallbackFields, CallbackName } from '../../../coreservice/ipc/callbacks.js';
import type { CommandName } from '../../../coreservice/ipc/commands.js';
import type { EngineCore, EngineCoreOptions } from '../../../daemon/engine/engine_core.js';

interface Sent {
  name: CommandName;
  fields: Record<string, unknown>;
}

/** A core without a process: it answers the questions, and otherwise does what a test says. */
export class FakeCore implements EngineCore {
  readonly pid = 4711;
  readonly port = 42_000;
  readonly sent: Sent[] = [];
  closed = false;
  killed = false;
  readonly done: Promise<EndCause>;
  #end!: (cause: EndCause) => void;
  readonly #options: EngineCoreOptions;
  /** Commands that are answered at once. */
  answers = true;
  /** Sends ConsumedExtension. */
  counts = true;

  constructor(options: EngineCoreOptions) {
    this.#options = options;
    this.done = new Promise((resolve) => (this.#end = resolve));
  }

  of(name: CommandName): Record<string, unknown>[] {
    return this.sent.filter((command) => command.name === name).map(({ fields }) => fields);
  }

  tell<N extends CallbackName>(name: N, fields: CallbackFields<N>, payload?: Buffer): void {
    this.#options.onCallback({ name, fields, payload } as unknown as Callback);
  }

  die(text: string): void {
    this.#end({ kind: 'failed', error: new Error(text) });
  }

  send(name: CommandName, fields: unknown): void {
    this.sent.push({ name, fields: fields as Record<string, unknown> });
    if (!this.answers) return;
    const alirtcd = { audioConsumedMs: 0, cameraConsumed: 0, screenConsumed: 0 };
    const remain = { audioBufferSize: 0, videoBufferSize: 0, ...(this.counts ? { alirtcd } : {}) };
    if (name === 'GET_SDK_VERSION') queueMicrotask(() => this.tell('SDK_VERSION', { sdkVersion: 'fake' }));
    if (name === 'GET_REMAIN_DATA_BUFFER_SIZE') queueMicrotask(() => this.tell('REMAIN_BUFFER', remain));
    if (name === 'GET_NEED_TEST_CYCLE_ROUND')
      queueMicrotask(() => this.tell('NEED_TEST_CYCLE_ROUND', { isEnable: false }));
  }

  kill(): void {
    this.killed = true;
    this.#end({ kind: 'failed', error: new Error('it was ended by SIGKILL') });
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  lastLines(): string[] {
    return ['its last words'];
  }

  /** What close() waits for: a process that takes its time to end. */
  reaped: Promise<void> = Promise.resolve();

  close(): Promise<void> {
    this.closed = true;
    this.#end({ kind: 'requested' });
    return this.reaped;
  }
}
