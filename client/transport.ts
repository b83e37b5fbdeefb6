import { Client, InterceptingCall, Metadata, connectivityState, status } from '@grpc/grpc-js';
import type {
  CallOptions as GrpcCallOptions,
  ChannelCredentials,
  ChannelOptions,
  ClientDuplexStream,
  ClientReadableStream,
} from '@grpc/grpc-js';
import { AlirtcStatusError, cancelled, toStatusError } from './status_error.js';

/** What the generated service definitions give of a method. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** Of one call. */
export interface CallOptions {
  /** Overrides the client's deadline for this kind of call. */
  deadlineMs?: number | undefined;
  /** Cancels the call, which then rejects with CANCELLED. */
  signal?: AbortSignal | undefined;
}

/** 64 MB hold the largest pushed or delivered picture (3840 by 2160 BGRA, 33 MB) with room to spare. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/**
 * 1 MB: how much of one stream waits in this process when its reader is slow, beside what was read ahead. Larger windows did not make reading cheaper
 * (docs/client.md has the numbers).
 */
const FLOW_CONTROL_WINDOW_BYTES = 1024 * 1024;

export const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // A retried push stream would keep its frames in memory; events resume by their own sequence numbers.
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  // Every client has a connection of its own, so that close() ends it.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
};

const REMEDY = 'start alirtcd, or name its address (ALIRTCD_ADDRESS, --address)';
const HEALTH = '/grpc.health.v1.Health/Check';
const WHY_MS = 500;
/** As grpc-js has it in the details of UNAVAILABLE, with the time of the attempt behind it. */
const LAST_ERROR = /Last error: (?:Error: )?([^\n]*?)(?:\s*\(\d{4}-\d\d-\d\dT[^)]*\))?\s*(?:\. Resolution note:|\n)/;

function reasonIn(details: string): string | undefined {
  if (details.startsWith('Name resolution failed')) return 'its name cannot be resolved';
  const text = LAST_ERROR.exec(details)?.[1]?.trim();
  // OpenSSL has places of its source around it.
  return text === undefined ? undefined : (/:SSL routines:[^:]*:([^:]+)/.exec(text)?.[1] ?? text);
}

/** One gRPC channel and every call that is open on it. */
export class Transport {
  readonly #client: Client;
  readonly #open = new Set<{ cancel(): void }>();
  readonly address: string;
  #closed = false;

  readonly #token: string | (() => string) | undefined;

  constructor(
    address: string,
    target: string,
    credentials: ChannelCredentials,
    options: ChannelOptions = {},
    token?: string | (() => string),
  ) {
    this.address = address;
    this.#token = token;
    this.#client = new Client(target, credentials, { ...CHANNEL_OPTIONS, ...options });
  }

  /** Resolves when the daemon answers. Rejects with UNAVAILABLE after the first failed attempt, or with `retry` only after the time is over. */
  async connect(timeoutMs: number, retry: boolean): Promise<void> {
    const channel = this.#client.getChannel();
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) return;
      if (state === connectivityState.TRANSIENT_FAILURE && !retry) throw await this.#unreachable();
      const overdue = await new Promise<Error | undefined>((resolve) =>
        channel.watchConnectivityState(state, deadline, resolve),
      );
      if (overdue !== undefined) throw await this.#unreachable(overdue);
    }
  }

  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: { deadlineMs: number; signal?: AbortSignal | undefined },
  ): Promise<Response> {
    const { deadlineMs, signal } = options;
    if (this.#closed) return Promise.reject(cancelled('the client was closed'));
    if (signal?.aborted === true) return Promise.reject(cancelled('the call was aborted'));
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        this.#metadata(),
        { deadline: Date.now() + deadlineMs },
        (error, response) => {
          this.#open.delete(call);
          signal?.removeEventListener('abort', abort);
          if (error !== null) reject(toStatusError(error));
          else if (response === undefined) reject(toStatusError(new Error('the call ended without a response')));
          else resolve(response);
        },
      );
      const abort = (): void => call.cancel();
      signal?.addEventListener('abort', abort, { once: true });
      this.#open.add(call);
    });
  }

  /** Through a socket that only processes of this machine can reach. */
  get isLocal(): boolean {
    return this.address.startsWith('unix:');
  }

  /** A server stream whose every read waits for the permit. */
  serverStream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    permit: ReadPermit,
  ): ClientReadableStream<Response> {
    this.#refuseWhenClosed();
    const options: GrpcCallOptions = {
      interceptors: [(call, next) => new GatedCall(next(call), permit)],
    };
    const { path, requestSerialize, responseDeserialize } = method;
    const call = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      this.#metadata(),
      options,
    );
    return this.#track(call);
  }

  bidiStream<Request, Response>(method: Method<Request, Response>): ClientDuplexStream<Request, Response> {
    this.#refuseWhenClosed();
    const { path, requestSerialize, responseDeserialize } = method;
    return this.#track(
      this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.#metadata()),
    );
  }

  /** Cancels what is open and closes the connection. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const call of this.#open) call.cancel();
    this.#open.clear();
    this.#client.close();
  }

  #track<Call extends ClientReadableStream<unknown> | ClientDuplexStream<unknown, unknown>>(call: Call): Call {
    this.#open.add(call);
    call.once('status', () => this.#open.delete(call));
    return call;
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    const token = typeof this.#token === 'function' ? this.#token() : this.#token;
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    return metadata;
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw cancelled('the client was closed');
  }

  async #unreachable(cause?: Error): Promise<AlirtcStatusError> {
    const why = await this.#whyNot();
    const text = `no daemon answers at ${this.address}`;
    return new AlirtcStatusError(status.UNAVAILABLE, why === undefined ? text : `${text}: ${why}`, {
      reason: 'UNAVAILABLE',
      field: 'address',
      value: this.address,
      remedy: this.address.startsWith('tls:') ? `${REMEDY}; see that --ca, --cert and --key are right` : REMEDY,
      cause,
    });
  }

  /** Only a call is told why there is no connection: refused, no such file, a certificate that is not trusted. */
  #whyNot(): Promise<string | undefined> {
    const asIs = (bytes: Buffer): Buffer => bytes;
    const options = { deadline: Date.now() + WHY_MS };
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(HEALTH, asIs, asIs, Buffer.alloc(0), options, (error) =>
        resolve(reasonIn(error?.details ?? '')),
      );
    });
  }
}

/** Runs a read when it may be. */
export interface ReadPermit {
  pass(read: () => void): void;
}

/**
 * Holds back grpc-js's demand for the next message. Without it every stream reads sixteen messages ahead (the object mode of Node's streams): 22 MB of
 * pictures of 1280 by 720 that the daemon would count as delivered.
 */
export class ReadGate implements ReadPermit {
  #open = true;
  /** A call's read, and a lane's. */
  #held: (() => void)[] = [];

  get isOpen(): boolean {
    return this.#open;
  }

  shut(): void {
    this.#open = false;
  }

  open(): void {
    this.#open = true;
    if (this.#held.length === 0) return;
    // The first one may have shut it again.
    for (const read of this.#held.splice(0)) this.pass(read);
  }

  /** Runs the read now, or as soon as the gate opens. Each reader asks for one read at a time. */
  pass(read: () => void): void {
    if (this.#open) read();
    else this.#held.push(read);
  }
}

class GatedCall extends InterceptingCall {
  readonly #permit: ReadPermit;

  constructor(next: ConstructorParameters<typeof InterceptingCall>[0], permit: ReadPermit) {
    super(next);
    this.#permit = permit;
  }

  override startRead(): void {
    this.#permit.pass(() => super.startRead());
  }
}
