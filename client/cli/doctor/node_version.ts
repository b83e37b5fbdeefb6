import packageJson from '../../../package.json' with { type: 'json' };
import { failure, ok } from './check.js';
import type { Check, Finding } from './check.js';

export interface NodeFacts {
  /** "20.19.0" */
  version: string;
  /** Of package.json: ">=20.19". */
  wanted: string;
  platform: string;
  arch: string;
}

export const nodeVersion: Check = {
  name: 'node',
  run: () =>
    Promise.resolve(
      judgeNode({
        version: process.versions.node,
        wanted: packageJson.engines.node,
        platform: process.platform,
        arch: process.arch,
      }),
    ),
};

export function judgeNode({ version, wanted, platform, arch }: NodeFacts): Finding[] {
  const least = wanted.replace(/^\D*/, '');
  const findings = isAtLeast(version, least)
    ? [ok(`Node ${version} on ${platform} ${arch}`)]
    : [failure(`Node ${version} is older than ${least}`, `install Node ${least} or newer`)];
  if (platform !== 'linux')
    findings.push(failure(`${platform} is not supported: core services, /proc and /dev/shm are Linux`, 'use Linux'));
  return findings;
}

function isAtLeast(version: string, least: string): boolean {
  const numbers = (text: string): number[] => text.split('.').map(Number);
  const [have, want] = [numbers(version), numbers(least)];
  for (const [index, number] of want.entries()) {
    const difference = (have[index] ?? 0) - number;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
