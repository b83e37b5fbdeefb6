import { ResponderBuilder, ServerInterceptingCall, ServerListenerBuilder } from '@grpc/grpc-js';
import type { ServerInterceptor } from '@grpc/grpc-js';
import type { Logger } from '../../common/logger.js';
import type { GetNodeStatusResponse } from '../../gen/alirtc/v1/node.js';
import type { Callers } from '../node/callers.js';
import type { Identity, Scope } from '../node/identity.js';
import { refusal } from '../refusals.js';
import { noSuchEngine } from '../engine/engine_registry.js';
import type { ClientLimits } from './client_limits.js';
import type { EngineOwners } from './engine_owners.js';
import { scopeOf } from './method_scopes.js';
import { toGrpcError } from './status.js';

export interface AccessOptions {
  callers: Callers;
  owners: EngineOwners;
  limits: ClientLimits;
  logger: Logger;
}

const CREATE = '/alirtc.v1.EngineService/CreateAliRTCEngine';
const LIST = '/alirtc.v1.EngineService/ListEngines';
const NODE_STATUS = '/alirtc.v1.NodeService/GetNodeStatus';
const EVENTS = '/alirtc.v1.EventService/GetEventHandler';
const LOGS = '/alirtc.v1.NodeService/GetLogs';

/**
 * Who may call what, on which engine, and how much: before a handler hears of a call. An engine of another identity is as one that does not exist, in requests and in
 * answers.
 */
export function checkAccess(options: AccessOptions): ServerInterceptor {
  return ({ path, requestStream, responseStream }, call) => {
    const scope = scopeOf(path);
    if (scope === undefined) return new ServerInterceptingCall(call);
    const guard = new CallGuard(options, path, { isStream: requestStream || responseStream, isRead: !requestStream });
    const refuse = (error: unknown): void => {
      guard.end();
      call.sendStatus(toGrpcError(error, options.logger));
    };
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        const authorization = metadata.get('authorization')[0];
        // Nobody else has to see it.
        metadata.remove('authorization');
        const begin = async (): Promise<void> => {
          const { sslPeerCertificate } = call.getAuthContext();
          const identity = options.callers.identify(authorization?.toString(), sslPeerCertificate);
          guard.begin(identity instanceof Promise ? await identity : identity, scope);
        };
        begin().then(() => next(metadata), refuse);
      })
      .withOnReceiveMessage((message: unknown, next) => {
        try {
          guard.message(message);
        } catch (error) {
          refuse(error);
          return;
        }
        next(message);
      })
      .withOnCancel(() => guard.end())
      .build();
    const responder = new ResponderBuilder()
      .withStart((next) => next(listener))
      .withSendMessage((message: unknown, next) => next(guard.answer(message)))
      .withSendStatus((status, next) => {
        guard.end();
        next(status);
      })
      .build();
    return new ServerInterceptingCall(call, responder);
  };
}

/** One call on its way. */
class CallGuard {
  readonly #options: AccessOptions;
  readonly #path: string;
  readonly #kind: { isStream: boolean; isRead: boolean };
  readonly #ends: (() => void)[] = [];
  #identity: Identity | undefined;
  #isFirst = true;
  #isOver = false;

  constructor(options: AccessOptions, path: string, kind: { isStream: boolean; isRead: boolean }) {
    this.#options = options;
    this.#path = path;
    this.#kind = kind;
  }

  begin(identity: Identity, scope: Scope): void {
    const { limits } = this.#options;
    this.#identity = identity;
    if (!identity.scopes.has(scope) && !identity.scopes.has('admin')) throw scopeMissing(identity, scope);
    limits.countCall(identity.name);
    if (this.#kind.isStream) this.#until(limits.openStream(identity.name));
  }

  /** Only the first message names an engine. */
  message(message: unknown): void {
    const identity = this.#identity;
    if (!this.#isFirst || identity === undefined) return;
    this.#isFirst = false;
    const { owners, limits } = this.#options;
    if (this.#path === CREATE) this.#until(limits.beginEngine(identity.name, owners.countOf(identity)));
    const engineId = engineIdOf(message);
    if (engineId === undefined || engineId === '') return;
    if (!owners.maySee(identity, engineId)) throw noSuchEngine(engineId);
    if (this.#kind.isStream && this.#kind.isRead && this.#path !== LOGS)
      this.#until(limits.openReader(engineId, this.#path === EVENTS ? 'events' : 'frames'));
  }

  /** The answer without what is not for this caller. */
  answer(message: unknown): unknown {
    const identity = this.#identity;
    if (identity === undefined) return message;
    const { owners } = this.#options;
    const sees = ({ engineId }: { engineId: string }): boolean => owners.maySee(identity, engineId);
    if (this.#path === CREATE) {
      const engineId = engineIdOf(message);
      if (engineId !== undefined) owners.add(engineId, identity);
    } else if (this.#path === LIST) {
      const { engines, ...rest } = message as { engines: { engineId: string }[] };
      return { ...rest, engines: engines.filter(sees) };
    } else if (this.#path === NODE_STATUS) {
      const status = message as GetNodeStatusResponse;
      return {
        ...status,
        processes: status.processes.filter((one) => one.engineId === '' || sees(one)),
        engineStatuses: status.engineStatuses.filter(sees),
        load: status.load && { ...status.load, engines: status.load.engines.filter(sees) },
      };
    }
    return message;
  }

  end(): void {
    this.#isOver = true;
    for (const end of this.#ends.splice(0)) end();
  }

  #until(end: () => void): void {
    if (this.#isOver) end();
    else this.#ends.push(end);
  }
}

/** engine_id of a request, or of the message that opens a push stream. A test looks at every request of the proto. */
export function engineIdOf(message: unknown): string | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  if ('engineId' in message && typeof message.engineId === 'string') return message.engineId;
  if (!('message' in message)) return undefined;
  const { message: arm } = message;
  return typeof arm === 'object' && arm !== null && 'value' in arm ? engineIdOf(arm.value) : undefined;
}

function scopeMissing({ name }: Identity, scope: Scope): Error {
  return refusal('permission_denied', 'SCOPE_MISSING', `${name} has not the scope "${scope}"`, {
    field: 'authorization',
    value: '',
    remedy: `have the operator give ${name} the scope "${scope}"`,
    metadata: { scope },
  });
}
