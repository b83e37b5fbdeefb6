import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { EngineServiceService } from '../../../gen/alirtc/v1/engine.js';
import type { EngineServiceServer } from '../../../gen/alirtc/v1/engine.js';
import { EventServiceService } from '../../../gen/alirtc/v1/events.js';
import type { EventServiceServer } from '../../../gen/alirtc/v1/events.js';
import { MediaServiceService } from '../../../gen/alirtc/v1/media.js';
import type { MediaServiceServer } from '../../../gen/alirtc/v1/media.js';
import { NodeServiceService } from '../../../gen/alirtc/v1/node.js';
import type { NodeServiceServer } from '../../../gen/alirtc/v1/node.js';
import { TokenServiceService } from '../../../gen/alirtc/v1/token.js';
import type { TokenServiceServer } from '../../../gen/alirtc/v1/token.js';

export interface FakeServices {
  engine?: Partial<EngineServiceServer>;
  events?: Partial<EventServiceServer>;
  media?: Partial<MediaServiceServer>;
  node?: Partial<NodeServiceServer>;
  token?: Partial<TokenServiceServer>;
}

/** A gRPC server with the methods that a test gives; all others answer UNIMPLEMENTED. On loopback, at a free port or the one given. */
export class FakeDaemon {
  readonly address: string;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.address = `127.0.0.1:${port}`;
  }

  static async start(services: FakeServices, port = 0): Promise<FakeDaemon> {
    const server = new Server({ 'grpc.max_receive_message_length': -1, 'grpc-node.flow_control_window': 1 << 20 });
    add(server, EngineServiceService, services.engine);
    add(server, EventServiceService, services.events);
    add(server, MediaServiceService, services.media);
    add(server, NodeServiceService, services.node);
    add(server, TokenServiceService, services.token);
    const bound = await new Promise<number>((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, boundPort) =>
        error === null ? resolve(boundPort) : reject(error),
      ),
    );
    return new FakeDaemon(server, bound);
  }

  get port(): number {
    return Number(this.address.split(':')[1]);
  }

  /** Cuts every connection. */
  stop(): void {
    this.#server.forceShutdown();
  }
}

function add(server: Server, definition: ServiceDefinition, implementation: object = {}): void {
  server.addService(definition, implementation as UntypedServiceImplementation);
}
