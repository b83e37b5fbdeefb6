import { existsSync } from 'node:fs';
import path from 'node:path';
import { Server } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import type { Logger } from '../../common/logger.js';
import { EngineServiceService } from '../../gen/alirtc/v1/engine.js';
import { EventServiceService } from '../../gen/alirtc/v1/events.js';
import { NodeServiceService } from '../../gen/alirtc/v1/node.js';
import { TokenServiceService } from '../../gen/alirtc/v1/token.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import type { FrameLanes } from '../../common/frame_lanes.js';
import type { Callers } from '../node/callers.js';
import { observeCalls } from '../node/call_observer.js';
import type { CallObserver } from '../node/call_observer.js';
import { Health } from '../node/health.js';
import { checkAccess } from './access.js';
import type { ClientLimits } from './client_limits.js';
import { EngineOwners } from './engine_owners.js';
import { engineService } from './engine_service.js';
import { eventService } from './event_service.js';
import { MEDIA_SERVICE, mediaService } from './media_service.js';
import { withCheckedRequests } from './malformed_request.js';
import { nameMessageLimit } from './message_size.js';
import { nodeService } from './node_service.js';
import type { NodeServiceOptions } from './node_service.js';
import { tokenService } from './token_service.js';

const SERVICES = ['EngineService', 'EventService', 'MediaService', 'TokenService', 'NodeService'];
const PROTOS = ['engine', 'events', 'media', 'token', 'node', 'types'];

export interface ApiOptions extends Omit<NodeServiceOptions, 'ownerOf' | 'eventReadersOf'> {
  registry: EngineRegistry;
  keys: ReadonlyMap<string, string>;
  /** The folder that holds alirtc/v1; reflection is left out when it is missing. */
  protoRoot: string;
  /** They follow every call. */
  callObservers: readonly CallObserver[];
  /** Who may call. */
  callers: Callers;
  limits: ClientLimits;
  /** For the frames of clients on this machine. */
  lanes: FrameLanes;
  /** Either way. A 3840x2160 BGRA picture is 33 MB. */
  maxMessageBytes: number;
  logger: Logger;
}

/** The gRPC server with every service, not bound yet. */
export function createApi(options: ApiOptions): { server: Server; health: Health } {
  const { registry, callObservers, callers, limits, maxMessageBytes, logger } = options;
  const owners = new EngineOwners((engineId) => registry.isLive(engineId));
  const server = new Server({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    // Clients on flaky hosts are noticed; their streams end.
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.enable_channelz': 0,
    // In the order in which they hear of a call: what is refused is counted, too.
    interceptors: [
      nameMessageLimit(maxMessageBytes, logger),
      observeCalls(callObservers),
      checkAccess({ callers, owners, limits, logger }),
    ],
  });
  server.addService(withCheckedRequests(EngineServiceService), engineService(registry, options.admission, logger));
  server.addService(withCheckedRequests(EventServiceService), eventService(registry, logger));
  server.addService(withCheckedRequests(MEDIA_SERVICE), mediaService(options));
  server.addService(withCheckedRequests(TokenServiceService), tokenService(options, logger));
  const node = {
    ...options,
    ownerOf: (engineId: string) => owners.of(engineId),
    eventReadersOf: (engineId: string) => limits.eventReaders(engineId),
  };
  server.addService(withCheckedRequests(NodeServiceService), nodeService(registry, node, logger));
  const health = new Health(SERVICES.map((name) => `alirtc.v1.${name}`));
  health.addToServer(server);
  addReflection(server, options.protoRoot, logger);
  return { server, health };
}

function addReflection(server: Server, protoRoot: string, logger: Logger): void {
  const files = PROTOS.map((name) => path.join(protoRoot, 'alirtc', 'v1', `${name}.proto`));
  if (!files.every((file) => existsSync(file))) {
    logger.warn({ protoRoot }, 'no proto files here: server reflection is off');
    return;
  }
  new ReflectionService(loadSync(files, { includeDirs: [protoRoot] })).addToServer(server);
}
