/**
 * The nodes of a real LiveKit cluster that tests shall use instead of an embedded channel server: ALIRTC_TEST_CLUSTER, their urls with a comma between
 * them. Undefined: the embedded one.
 */
export function clusterNodes(): [string, string] | undefined {
  const [node1, node2] = (process.env['ALIRTC_TEST_CLUSTER'] ?? '').split(',');
  return node1 === undefined || node2 === undefined ? undefined : [node1, node2];
}

/** The channel server of the n-th engine of a scene: node 1 and node 2 by turns, so that whatever two engines say to each other goes from node to node. */
export function channelServerOf(index: number): { channelServerUrl?: string } {
  const nodes = clusterNodes();
  return nodes === undefined ? {} : { channelServerUrl: nodes[index % 2 === 0 ? 0 : 1] };
}

/** Flags of a daemon that uses the cluster; none without one, or when it is told of another server. */
export function clusterFlags(args: readonly string[]): string[] {
  const nodes = clusterNodes();
  if (nodes === undefined || args.some((arg) => arg.startsWith('--channel-server'))) return [];
  // Each is allowed without the other as its fallback: an engine stays on the node that it was given.
  return ['--channel-server-url', nodes[0], '--channel-server-allowed', nodes[1]];
}
