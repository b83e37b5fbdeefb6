import { formatHttpAddress } from '../http/http_address.js';
import type { HttpAddress } from '../http/http_address.js';
import { formatListenAddress } from './listen_address.js';
import type { ListenAddress } from './listen_address.js';
import type { LoadedConfig } from './load_config.js';
import type { SettingName } from './schema.js';
import { SETTINGS } from './settings.js';

const HIDDEN = '[hidden]';

/** Every setting as it counts and the place that says so, as YAML that --config takes; secrets are hidden. */
export function printConfig({ config, sources }: LoadedConfig): string {
  const names = Object.keys(SETTINGS) as SettingName[];
  const rows = names.map((name) => {
    const value = config[name];
    const place = sources.get(name)?.place ?? 'default';
    return value === undefined
      ? { setting: `# ${name} is not set`, place }
      : { setting: `${name}: ${JSON.stringify(shownValue(name, value))}`, place };
  });
  const width = Math.min(60, Math.max(...rows.map(({ setting }) => setting.length)));
  return rows.map(({ setting, place }) => `${setting.padEnd(width)} # ${place}`).join('\n');
}

/** A value as people write it, without what is secret. */
export function shownValue(name: SettingName, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (SETTINGS[name].secret === true) return HIDDEN;
  if (Array.isArray(value)) return value.map((one) => shownValue(name, one));
  if (typeof value === 'string') return withoutSecrets(value);
  if (typeof value === 'object' && value !== null && 'host' in value && !('kind' in value))
    return formatHttpAddress(value as HttpAddress);
  if (typeof value === 'object' && value !== null && 'kind' in value)
    return formatListenAddress(value as ListenAddress);
  return value;
}

/** A password or a query of a URL may be a credential. */
function withoutSecrets(text: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || !URL.canParse(text)) return text;
  const url = new URL(text);
  if (url.password === '' && url.username === '' && url.search === '') return text;
  if (url.password !== '' || url.username !== '') [url.username, url.password] = ['hidden', ''];
  if (url.search !== '') url.search = '?hidden';
  return url.href;
}
