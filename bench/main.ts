/** `make bench`, or `make bench ONLY=raw,latency`. Every figure stands beside its peer's of the same run. `encode` needs Debian's package ffmpeg, `cluster` and `forwarding` a Go that builds livekit-server. */
import { clusterReceive } from './cluster_receive.js';
import { encode } from './encode.js';
import { forwarding } from './forwarding.js';
import { latency } from './latency.js';
import { manyUsers } from './many_users.js';
import { mixing } from './mixing.js';
import { receiveRaw } from './receive_raw.js';
import { stalledClient } from './stalled_client.js';
import { startup } from './startup.js';

const BENCHMARKS: Readonly<Record<string, () => Promise<void>>> = {
  startup: () => startup(),
  raw: () => receiveRaw('raw'),
  encoded: () => receiveRaw('encoded'),
  latency: () => latency(),
  stalled: () => stalledClient(),
  users: () => manyUsers(),
  mixing: () => mixing(),
  encode: () => encode(),
  cluster: () => clusterReceive(),
  forwarding: () => forwarding(),
};

const only = process.env['ONLY'];
const wanted = only === undefined || only === '' ? Object.keys(BENCHMARKS) : only.split(',');
for (const name of wanted) {
  const run = BENCHMARKS[name];
  if (run === undefined) throw new Error(`no benchmark "${name}"; there are ${Object.keys(BENCHMARKS).join(', ')}`);
  await run();
}
