import type { SettingName } from './schema.js';

/** Names of earlier versions. */
export const ALIASES: Readonly<Record<string, SettingName>> = { 'channel-server': 'channel-server-url' };

export interface Setting {
  /** Of the flag. */
  argument: string;
  /** For --help and the example file. */
  text: string;
  isList?: true;
  /** Its value is never printed. */
  secret?: true;
  /** Taken over by SIGHUP: for everything (now), or for what begins later (engines, connections). */
  reload?: true;
}

/** What people read about every setting; the order is that of every list. */
export const SETTINGS: Readonly<Record<SettingName, Setting>> = {
  listen: {
    argument: '<address>',
    isList: true,
    text: 'unix:/path, tcp:127.0.0.1:port or tls:host:port, repeatable; default: alirtcd.sock in $XDG_RUNTIME_DIR (else ~/.local/state/alirtcd), and tcp:127.0.0.1:7420',
  },
  'socket-mode': {
    argument: '<mode>',
    text: 'who may use the Unix sockets, as chmod takes it (0600: the own user only)',
  },
  'tls-cert': {
    argument: '<file>',
    text: 'certificate of the tls: listeners and those between it and its authority, PEM',
  },
  'tls-key': { argument: '<file>', text: 'its private key, PEM' },
  'client-ca': {
    argument: '<file>',
    text: 'certificates of the authorities that sign those of clients, PEM; tls: listeners then take no client without one',
  },
  'insecure-listen': {
    argument: '[on|off]',
    text: 'tcp: may listen beyond loopback: everybody on the way reads and changes everything (off)',
  },
  keys: {
    argument: '<file>',
    text: 'app ids and app keys, YAML "appid: appkey", readable by its owner only; default: a random pair in memory',
  },
  tokens: {
    argument: '<file>',
    text: 'bearer tokens, YAML "token: name scopes", scopes of read, use, admin, readable by its owner only; calls then need a token',
  },
  'jwt-key': {
    argument: '<file>',
    text: 'public key or certificate, PEM, of who signs JSON Web Tokens (claims sub, exp, and scope with read, use, admin); calls then need a token',
  },
  'jwt-issuer': { argument: '<text>', text: 'what the claim iss of JSON Web Tokens has to be; default: anything' },
  'jwt-audience': { argument: '<text>', text: 'what the claim aud of JSON Web Tokens has to be; default: anything' },
  'admin-subject': {
    argument: '<subject>',
    isList: true,
    text: 'the subject of a client certificate that may administer the node, e.g. CN=operator, repeatable; the others may read and use',
  },
  'core-port-low': { argument: '<port>', text: 'lowest port between daemon and core services (42000)' },
  'core-port-high': { argument: '<port>', text: 'highest port between daemon and core services (45000)' },
  'core-service': {
    argument: '<path>',
    isList: true,
    text: 'a further core service that clients may name, repeatable',
  },
  'core-nice': { argument: '<0-19>', text: 'nice value of core processes; 19 is the lowest priority (0)' },
  'core-dumps': {
    argument: '<on|off>',
    text: 'core processes may write core dumps, into their working folders as the system says (off)',
  },
  'core-memory-mb': {
    argument: '<MB>',
    text: 'memory of a core process, where cgroup v2 is delegated to the daemon; beyond it the system ends it; 0: no limit (0)',
  },
  'core-cpu-percent': {
    argument: '<percent>',
    text: 'CPU of a core process, in percent of one processor, where cgroup v2 is delegated to the daemon; 0: no limit (0)',
  },
  'log-root': { argument: '<folder>', text: "where the engines' log folders lie (~/.local/state/alirtcd/log)" },
  'log-level': { reload: true, argument: '<level>', text: 'fatal, error, warn, info, debug, trace, silent (info)' },
  'channel-server-url': {
    argument: '<url>',
    isList: true,
    text: 'ws:// or wss:// of a LiveKit server, repeatable: of one cluster, in the order to try; default: an embedded channel server is started',
  },
  'channel-server-allowed': {
    argument: '<url>',
    isList: true,
    text: 'a further LiveKit server that clients may name for an engine, repeatable',
  },
  'max-engines': { reload: true, argument: '<number>', text: 'engines at the same time (64)' },
  'max-engines-per-client': {
    reload: true,
    argument: '<number>',
    text: 'engines of one client identity at the same time (0: as many as max-engines)',
  },
  'max-streams-per-client': {
    reload: true,
    argument: '<number>',
    text: 'streams (events, frames, pushes) of one client identity at the same time (1024)',
  },
  'max-streams-per-engine': {
    reload: true,
    argument: '<number>',
    text: 'frame streams of one engine at the same time (64)',
  },
  'max-event-streams-per-engine': {
    reload: true,
    argument: '<number>',
    text: 'event streams of one engine at the same time (64)',
  },
  'max-log-readers': {
    reload: true,
    argument: '<number>',
    text: "readers that follow the daemon's log at the same time (16)",
  },
  'max-calls-per-second': {
    reload: true,
    argument: '<number>',
    text: 'calls that one client identity may begin in a second (10000)',
  },
  'max-message-bytes': { argument: '<number>', text: 'bytes of one message, either way (67108864)' },
  'capacity-ms': {
    reload: true,
    argument: '<ms>',
    text: 'CPU that daemon, channel server and cores may use, in ms for each second; beyond it engines and subscriptions are refused; 0: all of the machine (0)',
  },
  'drain-seconds': {
    argument: '<seconds>',
    reload: true,
    text: 'how long engines may go on after SIGTERM; meanwhile no new ones are taken (0)',
  },
  'traces-endpoint': {
    argument: '<url>',
    text: 'http:// or https:// of an OTLP/HTTP receiver of OpenTelemetry traces; default: no traces',
  },
  'event-ring': { reload: true, argument: '<number>', text: 'events kept for each engine (4096)' },
  'event-ring-bytes': { reload: true, argument: '<number>', text: 'bytes of events kept for each engine (8000000)' },
  'http-listen': {
    argument: '<address>',
    text: 'host:port of the HTTP server with the console, or "off" (127.0.0.1:7421, or a free port when that is taken)',
  },
  'http-remote': { argument: '<on|off>', text: 'http-listen may be reached from other machines, without TLS (off)' },
  'http-host': {
    argument: '<name>',
    isList: true,
    text: 'a further host name under which the HTTP server answers, repeatable',
  },
  console: {
    argument: '<off|read|control>',
    text: 'whether there is a console, and what its viewers may do; it has no login (read; off where tokens or client-ca are set)',
  },
  'console-tokens': {
    argument: '<on|off>',
    text: 'the console gives out channel tokens, to join beside the bots (off)',
  },
  'core-restart': {
    argument: '<never|on-crash>',
    text: 'what happens when a core process dies or hangs: the engine ends with it, or another one takes its place and joins again (on-crash)',
  },
  'core-restart-delay-ms': {
    argument: '<ms>',
    text: 'before the first restart; doubled for each further one within the window (100)',
  },
  'core-restart-delay-max-ms': { argument: '<ms>', text: 'the longest wait before a restart (10000)' },
  'core-restart-attempts': {
    argument: '<number>',
    text: 'restarts of one engine within the window; one more death ends it (5)',
  },
  'core-restart-window-seconds': { argument: '<seconds>', text: 'the window in which restarts are counted (60)' },
  'core-heartbeat-ms': { argument: '<ms>', text: 'how often a core is asked whether it hangs; 0: never (5000)' },
  'core-heartbeat-limit-ms': { argument: '<ms>', text: 'a core that does not answer for that long hangs (10000)' },
  'lease-seconds': {
    argument: '<seconds>',
    text: 'how long an engine lives that nobody uses any more, unless its client says otherwise; 0: until it is released (30)',
  },
  'warm-cores': {
    argument: '<number>',
    text: 'core processes that are started ahead, so that engines are there at once; each takes the memory of a core without media (0)',
  },
  'builtin-core-service': { argument: '<path>', text: 'the core service "builtin" (beside this program)' },
  'channel-server-relay-only': {
    argument: '<on|off>',
    text: "media goes by way of the LiveKit server's TURN servers only (off)",
  },
  'builtin-channel-server': { argument: '<path>', text: 'the embedded channel server (beside this program)' },
};
