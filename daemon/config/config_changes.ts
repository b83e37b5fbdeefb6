import { shownValue } from './print_config.js';
import type { Config, SettingName } from './schema.js';
import { SETTINGS } from './settings.js';

export interface ConfigChange {
  setting: SettingName;
  /** As people write them; undefined: not set. */
  from: unknown;
  to: unknown;
  /** True: it counts from now on; false: it needs a restart. */
  taken: boolean;
}

/** The settings of `old` with what can be reloaded taken from `next`, and every setting that differs. */
export function mergeReloadable(old: Config, next: Config): { config: Config; changes: ConfigChange[] } {
  const names = Object.keys(SETTINGS) as SettingName[];
  const changed = names.filter((name) => JSON.stringify(old[name]) !== JSON.stringify(next[name]));
  const taken = changed.filter((name) => SETTINGS[name].reload === true);
  const values = Object.fromEntries(taken.map((name) => [name, next[name]])) as Partial<Config>;
  const changes = changed.map((setting) => ({
    setting,
    from: shownValue(setting, old[setting]),
    to: shownValue(setting, next[setting]),
    taken: taken.includes(setting),
  }));
  return { config: { ...old, ...values }, changes };
}
