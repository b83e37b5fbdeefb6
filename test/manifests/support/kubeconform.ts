import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand, type Finished } from '../../image/support/run_command.js';

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
export const CACHE = path.join(PROJECT, '.cache', 'manifests');
export const KUBECONFORM = path.join(CACHE, 'bin', 'kubeconform');
/** Of the Compose specification: what Docker's compose reads files with. The program's name is its folder's. */
export const COMPOSE_LOADER = path.join(CACHE, 'bin', 'cmd');
export const SCHEMAS = path.join(CACHE, 'schemas');
/** The oldest with everything that the manifests use, and newer ones. */
export const VERSIONS = ['1.30.0', '1.33.0', '1.37.0'];
export const folderOf = (version: string): string => `v${version}-local-strict`;
/** kubeconform's template; it puts the version as folderOf() does. */
const LOCATION = `${SCHEMAS}/{{ .NormalizedKubernetesVersion }}-local{{ .StrictSuffix }}/{{ .ResourceKind }}{{ .KindSuffix }}.json`;

/** Checks a file against the schemas of one version of Kubernetes: unknown keys are errors, and so is a kind without a schema. */
export function kubeconform(version: string, file: string): Promise<Finished> {
  const args = ['-strict', '-summary', '-verbose', '-kubernetes-version', version, '-schema-location', LOCATION, file];
  return runCommand(KUBECONFORM, args);
}

/** Reads a compose file as Docker's compose does: unknown keys are errors. */
export function loadCompose(file: string): Promise<Finished> {
  return runCommand(COMPOSE_LOADER, [file]);
}
