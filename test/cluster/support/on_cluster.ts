import { Cluster } from './cluster.js';

/**
 * `mocha --require` of this runs tests that know nothing of a cluster on one: started before the first of them, its nodes told by ALIRTC_TEST_CLUSTER
 * (test/support/cluster_nodes.ts), stopped behind the last.
 */
let cluster: Cluster | undefined;

export async function mochaGlobalSetup(): Promise<void> {
  cluster = await Cluster.open();
  process.env['ALIRTC_TEST_CLUSTER'] = cluster.urls.join(',');
}

export async function mochaGlobalTeardown(): Promise<void> {
  await cluster?.close();
}
