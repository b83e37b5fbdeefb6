import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { CreateAliRTCEngineRequest, EngineServiceService } from '../gen/alirtc/v1/engine.js';
import type { CoreRestartPolicy } from '../gen/alirtc/v1/engine.js';
import type { EngineSnapshot } from '../gen/alirtc/v1/events.js';
import { NodeServiceService } from '../gen/alirtc/v1/node.js';
import { GetLogsRequest } from '../gen/alirtc/v1/node.js';
import type {
  DrainResponse,
  GetConfigResponse,
  GetLogsResponse,
  GetNodeStatusResponse,
} from '../gen/alirtc/v1/node.js';
import { TokenServiceService } from '../gen/alirtc/v1/token.js';
import type { GenerateTokenResponse, TokenFormat } from '../gen/alirtc/v1/token.js';
import { AuthInfo } from '../gen/alirtc/v1/types.js';
import { grpcTarget } from './address.js';
import { Engine } from './engine.js';
import { DEFAULT_DEADLINES, given } from './engine_options.js';
import type { Deadlines, Fields } from './engine_options.js';
import { openMessageStream } from './message_stream.js';
import type { MessageStream } from './message_stream.js';
import { credentialsOf } from './tls.js';
import type { TlsOptions } from './tls.js';
import { Transport } from './transport.js';
import type { CallOptions, Method } from './transport.js';

export interface ConnectOptions {
  /** Default: what the address and `tls` say. */
  credentials?: ChannelCredentials | undefined;
  /** Of `tls:host:port`. */
  tls?: TlsOptions | undefined;
  /** A bearer token for every call; a function is asked anew for each call. */
  token?: string | (() => string) | undefined;
  deadlines?: Fields<Deadlines> | undefined;
  /** How long connecting may take; default 5 s. */
  connectTimeoutMs?: number | undefined;
  /** True: a daemon that does not listen yet is tried again until the time is over. Default false. */
  retryConnect?: boolean | undefined;
  /** Further options of grpc-js, over those of this client. */
  channelOptions?: ChannelOptions | undefined;
}

export interface CreateEngineOptions {
  /** The range of the port between daemon and core process; default the daemon's. */
  lowPort?: number | undefined;
  highPort?: number | undefined;
  /** Below the daemon's log root; default a folder of the engine's own there. */
  logPath?: string | undefined;
  /** Default "builtin". */
  coreServicePath?: string | undefined;
  /** Default false; the open core meets browsers always. */
  h5mode?: boolean | undefined;
  /** An object, or a JSON object as text; default {}. */
  extra?: string | Readonly<Record<string, unknown>> | undefined;
  /** A LiveKit server that the operator allows; default the daemon's channel server. */
  channelServerUrl?: string | undefined;
  /** What happens when the core process dies; default what the daemon is configured for. */
  coreRestart?: Fields<CoreRestartPolicy> | undefined;
  /** How long the engine lives when this process is gone; default what the daemon is configured for, 30 s. The engine's object renews it by itself. */
  leaseSeconds?: number | undefined;
  /** True: the engine lives until release(), also when this process is gone. */
  detached?: boolean | undefined;
}

export interface GenerateTokenOptions extends Fields<AuthInfo> {
  channel: string;
  userId: string;
  /** Default: the daemon's key file has it. */
  appKey?: string | undefined;
  /** ALIRTC by default, or LIVEKIT. */
  format?: TokenFormat | undefined;
}

/** A connection to a daemon. */
export class AlirtcClient {
  readonly #transport: Transport;
  readonly #deadlines: Deadlines;

  private constructor(transport: Transport, deadlines: Deadlines) {
    this.#transport = transport;
    this.#deadlines = deadlines;
  }

  /** Resolves when the daemon answers at `unix:/path`, `host:port`, `tcp:host:port` or `tls:host:port`; rejects with UNAVAILABLE when none does. */
  static async connect(address: string, options: ConnectOptions = {}): Promise<AlirtcClient> {
    const { connectTimeoutMs = 5_000, retryConnect = false, token } = options;
    const credentials = options.credentials ?? credentialsOf(address, options.tls);
    const transport = new Transport(address, grpcTarget(address), credentials, options.channelOptions, token);
    try {
      await transport.connect(connectTimeoutMs, retryConnect);
    } catch (error) {
      transport.close();
      throw error;
    }
    return new AlirtcClient(transport, { ...DEFAULT_DEADLINES, ...given(options.deadlines ?? {}) });
  }

  get address(): string {
    return this.#transport.address;
  }

  /** Starts one core process: one virtual user in at most one channel. */
  async createEngine(options: CreateEngineOptions = {}, call?: CallOptions): Promise<Engine> {
    const { lowPort = 0, highPort = 0, logPath = '', coreServicePath = '', h5mode = false, extra = '' } = options;
    const { channelServerUrl = '', coreRestart, leaseSeconds = 0, detached = false } = options;
    const text = typeof extra === 'string' ? extra : JSON.stringify(extra);
    const request = CreateAliRTCEngineRequest.fromPartial({
      ...{ lowPort, highPort, logPath, coreServicePath, h5mode, extra: text, channelServerUrl },
      ...{ leaseSeconds, detached },
      ...(coreRestart === undefined ? {} : { coreRestart: given(coreRestart) }),
    });
    const created = await this.#call(EngineServiceService.createAliRtcEngine, request, call, this.#deadlines.createMs);
    return new Engine(this.#transport, created, this.#deadlines);
  }

  /** An engine that somebody else made. Nothing is asked; its calls reject with NOT_FOUND when there is none. */
  engine(engineId: string): Engine {
    return new Engine(this.#transport, { engineId, corePort: 0, coreProcessId: 0 }, this.#deadlines);
  }

  async listEngines(call?: CallOptions): Promise<EngineSnapshot[]> {
    return (await this.#call(EngineServiceService.listEngines, {}, call)).engines;
  }

  /** The token that joinChannel takes, or one for official LiveKit SDKs. */
  generateToken(options: GenerateTokenOptions, call?: CallOptions): Promise<GenerateTokenResponse> {
    const { appKey = '', format = 0, ...auth } = options;
    const request = { authInfo: AuthInfo.fromPartial(given(auth)), appKey, format };
    return this.#call(TokenServiceService.generateToken, request, call);
  }

  nodeStatus(call?: CallOptions): Promise<GetNodeStatusResponse> {
    return this.#call(NodeServiceService.getNodeStatus, {}, call);
  }

  /** What is logged of one engine: trace, debug, info, warn, error, fatal, silent; empty: as the daemon. */
  async setEngineLogLevel(engineId: string, level: string, call?: CallOptions): Promise<void> {
    await this.#call(NodeServiceService.setEngineLogLevel, { engineId, level }, call);
  }

  /** The daemon's log: the newest lines that it keeps, then, with follow, those that come, until the daemon ends. */
  nodeLogs(request: Fields<GetLogsRequest> = {}, signal?: AbortSignal): MessageStream<GetLogsResponse> {
    return this.rawStream(NodeServiceService.getLogs, GetLogsRequest.fromPartial(given(request)), signal);
  }

  /** Every setting as it counts, where it was said, and what waits for SIGHUP or a restart. */
  nodeConfig(call?: CallOptions): Promise<GetConfigResponse> {
    return this.#call(NodeServiceService.getConfig, {}, call);
  }

  /** Ends the daemon in order: no new engines, those that are there may go on for that long. Gives the deadline that counts. */
  drain(deadlineSeconds = 0, call?: CallOptions): Promise<DrainResponse> {
    return this.#call(NodeServiceService.drain, { deadlineSeconds }, call);
  }

  /** A unary call of any method, for programs that know it only at run time. */
  rawCall<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    call?: CallOptions,
  ): Promise<Response> {
    return this.#call(method, request, call);
  }

  /** A server stream of any method, for programs that know it only at run time. */
  rawStream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    signal?: AbortSignal,
  ): MessageStream<Response> {
    return openMessageStream(this.#transport, method, request, { readAhead: 2, signal });
  }

  /** Cancels every open call and stream of this client and closes the connection. Engines go on until their lease runs out. */
  close(): void {
    this.#transport.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions = {},
    deadlineMs = this.#deadlines.callMs,
  ): Promise<Response> {
    return this.#transport.unary(method, request, {
      deadlineMs: options.deadlineMs ?? deadlineMs,
      signal: options.signal,
    });
  }
}
