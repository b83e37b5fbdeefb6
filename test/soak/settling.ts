import { KEPT_LINES } from '../../daemon/node/log_ring.js';
import { eventually } from '../support/eventually.js';
import { canBind } from '../integration/bad_input/footprint.js';
import { pause } from './actions.js';
import { differences } from './growth.js';
import { holdingsOf } from './machine.js';
import type { NodeUnderSoak } from './node_under_soak.js';
import type { Sample, Sampler } from './sampler.js';

export interface SettleOptions {
  node: NodeUnderSoak;
  sampler: Sampler;
  /** That engines have had: given back, so that the next ones can have them. */
  ports: readonly number[];
  /** Left out: this is the beginning. */
  before?: Sample;
  onProblem: (problem: string) => void;
}

/** The daemon keeps the events of so many engines that ended (docs/events.md): so many empty ones take their place, at the beginning and at the end. */
const KEPT_ENGINES = 16;
const CALLS_AT_ONCE = 32;
const SETTLE_MS = 60_000;
const PORT_MS = 30_000;
/** Memory that was let go of is given back to the system by and by. */
const QUIET_MS = 3_000;

/** What the node holds when nobody uses it. */
export async function settle({ node, sampler, ports, before, onProblem }: SettleOptions): Promise<Sample> {
  if (before === undefined) await fillLog(node);
  // A port that is taken, or was not given back by the daemon, fails the creation.
  for (let index = 0; index < KEPT_ENGINES; index++) {
    const port = ports[Math.floor((index * ports.length) / KEPT_ENGINES)] ?? 0;
    await createOn(node, port).catch((error: unknown) =>
      onProblem(`on port ${port} no engine can be made: ${String(error)}`),
    );
  }
  await eventually(async () => whatIsLeft(node, await node.client.listEngines(), before), SETTLE_MS).catch(
    // It is in the figures, and in the verdict by them.
    () => undefined,
  );
  await pause(QUIET_MS);
  for (const port of ports)
    await eventually(async () => ((await canBind(port)) ? undefined : 'it is taken'), PORT_MS).catch((error: unknown) =>
      onProblem(`port ${port}, which an engine had: ${String(error)}`),
    );
  return sampler.take();
}

/** The daemon keeps the newest lines of its log for GetLogs: a ring that has not gone around once would look like growth. A refused call is one line. */
async function fillLog({ client }: NodeUnderSoak): Promise<void> {
  let left = KEPT_LINES;
  const refused = async (): Promise<void> => {
    while (left-- > 0)
      await client
        .engine(`nobody-${left}`)
        .release()
        .catch(() => undefined);
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, refused));
}

/** Other programs of the machine may have the port for a moment. */
async function createOn({ client }: NodeUnderSoak, port: number): Promise<void> {
  await eventually(async () => {
    try {
      await (await client.createEngine({ lowPort: port, highPort: port })).release();
      return undefined;
    } catch (error) {
      return String(error);
    }
  }, PORT_MS);
}

function whatIsLeft(node: NodeUnderSoak, engines: readonly unknown[], before: Sample | undefined): string | undefined {
  if (engines.length > 0) return `${engines.length} engines`;
  const now = holdingsOf(node.family);
  // The one that is kept ready.
  if (now.processes['core']?.length !== 1) return 'the warm core is not there yet';
  if (before === undefined) return undefined;
  const more = differences(before.descriptors, now.descriptors);
  return more.length === 0 && now.udpSockets === before.udpSockets ? undefined : more.join(', ');
}
