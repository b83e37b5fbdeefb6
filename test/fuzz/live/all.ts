import type { LiveTarget } from './live_target.js';

/** Loaded when they are run: each brings libraries of its own. */
const LIVE: Readonly<Record<string, readonly (() => Promise<LiveTarget>)[]>> = {
  ipc: [
    async () => (await import('./ipc_core.js')).CORE_FRAMES,
    async () => (await import('./ipc_daemon.js')).DAEMON_FRAMES,
  ],
  grpc: [async () => (await import('./grpc.js')).GRPC_CALLS],
  websocket: [
    async () => (await import('./websocket_server.js')).SIGNALS_OF_THE_SERVER,
    async () => (await import('./websocket_core.js')).SIGNALS_OF_THE_CORE,
  ],
  rtp: [
    async () => (await import('./rtp_server.js')).MEDIA_OF_THE_SERVER,
    async () => (await import('./rtp_core.js')).MEDIA_OF_THE_CORE,
  ],
};

/** The parts of a target with real processes. */
export function liveTargets(target: string): Promise<LiveTarget[]> {
  return Promise.all((LIVE[target] ?? []).map((load) => load()));
}
