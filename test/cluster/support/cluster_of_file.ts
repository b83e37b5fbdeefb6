import { Cluster, type ClusterOptions } from './cluster.js';

/** One cluster for a file of tests: `const cluster = clusterOfFile()`, then `cluster()` in a test. What its servers said last is printed when a test fails. */
export function clusterOfFile(options: ClusterOptions = {}): () => Cluster {
  let running: Cluster | undefined;
  before(async function () {
    this.timeout(60_000);
    running = await Cluster.open(options);
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(running?.lastLines());
  });
  after(async function () {
    this.timeout(30_000);
    await running?.close();
  });
  return () => {
    if (running === undefined) throw new Error('the cluster is not there');
    return running;
  };
}
