import { ConfigError } from './config_error.js';
import { nearestName } from './nearest_name.js';

type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'ALIRTCD_';
/** Of the client, and of the file itself. */
const OTHERS = ['ALIRTCD_ADDRESS', 'ALIRTCD_CONFIG'];
/** What Kubernetes sets for each Service of the namespace: for one named "alirtcd" or "alirtcd-...", too. */
const OF_SERVICES = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//;

/** ALIRTCD_MAX_ENGINES of max-engines. */
export function environmentName(setting: string): string {
  return `${PREFIX}${setting.toUpperCase().replaceAll('-', '_')}`;
}

/** Throws ConfigError for ALIRTCD_TOKEN: who meant ALIRTCD_TOKENS would have a daemon that is open to everybody. */
export function refuseUnknownVariables(environment: Environment, settings: readonly string[]): void {
  const known = [...settings.map(environmentName), ...OTHERS];
  const faults = Object.entries(environment).flatMap(([variable, value = '']) => {
    if (!variable.startsWith(PREFIX) || known.includes(variable) || isOfAService(variable, value)) return [];
    const nearest = nearestName(
      variable.slice(PREFIX.length),
      known.map((name) => name.slice(PREFIX.length)),
    );
    const hint = nearest === undefined ? `allowed: ${known.join(', ')}` : `did you mean ${PREFIX}${nearest}?`;
    return [`${variable} is not a setting; ${hint}`];
  });
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
}

function isOfAService(variable: string, value: string): boolean {
  return OF_SERVICES.test(variable) || (variable.endsWith('_PORT') && SERVICE_ADDRESS.test(value));
}
