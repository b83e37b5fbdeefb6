/** What core processes get beside the few variables that every process gets (core_executable.ts). */
export function coreEnvironment(
  relayOnly: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  // Certificate authorities of the operator's own: the core's TLS is to trust whom the daemon's trusts.
  const authorities = environment['NODE_EXTRA_CA_CERTS'];
  return {
    ...(authorities === undefined || authorities === '' ? {} : { NODE_EXTRA_CA_CERTS: authorities }),
    ...(relayOnly ? { ALIRTC_RELAY_ONLY: '1' } : {}),
  };
}
