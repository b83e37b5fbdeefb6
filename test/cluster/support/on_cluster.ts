import { Cluster } from './cluster.js';

/**
 * `mocha --require` of this runs tests that know nothing of a cluster on one: started before the first of them, its nodes told by ALIRTC_TEST_CLUSTER
 * (test/support/cluster_nodes.ts), stopped behind the last.
 */
/**
 * By default a higher layer counts as gone when fewer than five packets came in half a second, and as back after ten seconds (pkg/sfu/streamtracker). Rows
 * push pictures of one packet each, and the machine may be busy.
 */
const PACKETS = { samples_required: 1, cycles_required: 1, cycle_duration: '2s' };
// Numbers as keys.
const LAYERS = new Map([1, 2].map((layer) => [layer, PACKETS]));
const TRACKER = { video: { stream_tracker_manager: { video: { packet_tracker: LAYERS } } } };

let cluster: Cluster | undefined;

export async function mochaGlobalSetup(): Promise<void> {
  cluster = await Cluster.open({ config: TRACKER });
  process.env['ALIRTC_TEST_CLUSTER'] = cluster.urls.join(',');
}

export async function mochaGlobalTeardown(): Promise<void> {
  await cluster?.close();
}
