import type { Server } from '@grpc/grpc-js';

/** Ends a server: calls and streams have so long to end by themselves; 0: none. */
export function shutDown(server: Server, patienceMs: number): Promise<void> {
  if (patienceMs === 0) {
    server.forceShutdown();
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, patienceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
