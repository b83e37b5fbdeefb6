import { messageOf } from '../../common/errors.js';
import type { ConfigChange } from './config_changes.js';
import type { LoadedConfig, Source } from './load_config.js';
import { shownValue } from './print_config.js';
import type { SettingName } from './schema.js';
import { SETTINGS } from './settings.js';

export interface SettingView {
  name: SettingName;
  /** JSON; undefined: it is not set. */
  value: string | undefined;
  origin: string;
  /** SIGHUP takes a new value. */
  reloadable: boolean;
  /** What stands there now, and does not count yet. */
  pending?: { value: string | undefined; origin: string };
}

export interface ConfigView {
  settings: SettingView[];
  file: string | undefined;
  /** Why what stands there now cannot be taken. */
  fault: string | undefined;
}

const NAMES = Object.keys(SETTINGS) as SettingName[];

/** The settings as they count while the daemon runs, with where each was said, beside what file and environment say meanwhile. */
export class ConfigInForce {
  #loaded: LoadedConfig;
  readonly #read: () => LoadedConfig;

  /** `read` reads file, environment and flags again; throws ConfigError. */
  constructor(loaded: LoadedConfig, read: () => LoadedConfig) {
    this.#loaded = loaded;
    this.#read = read;
  }

  /** SIGHUP: those of the changes that were taken count from now on; all others still stand where they stood, or on another line. */
  take(next: LoadedConfig, changes: readonly ConfigChange[]): void {
    const kept = new Set(changes.filter(({ taken }) => !taken).map(({ setting }) => setting));
    const from = (name: SettingName): LoadedConfig => (kept.has(name) ? this.#loaded : next);
    const sources = new Map<SettingName, Source>();
    for (const name of NAMES) {
      const source = from(name).sources.get(name);
      if (source !== undefined) sources.set(name, source);
    }
    const old = this.#loaded.config;
    const config = { ...next.config, ...Object.fromEntries([...kept].map((name) => [name, old[name]])) };
    this.#loaded = { ...next, config, sources };
  }

  view(): ConfigView {
    const { next, fault } = this.#readAgain();
    const settings = NAMES.map((name): SettingView => {
      const [value, origin] = shown(this.#loaded, name);
      const reloadable = SETTINGS[name].reload === true;
      if (next === undefined || !differs(this.#loaded, next, name)) return { name, value, origin, reloadable };
      const [pendingValue, pendingOrigin] = shown(next, name);
      return { name, value, origin, reloadable, pending: { value: pendingValue, origin: pendingOrigin } };
    });
    return { settings, file: this.#loaded.file, fault };
  }

  #readAgain(): { next?: LoadedConfig; fault: string | undefined } {
    try {
      return { next: this.#read(), fault: undefined };
    } catch (error) {
      return { fault: messageOf(error) };
    }
  }
}

function differs(now: LoadedConfig, next: LoadedConfig, name: SettingName): boolean {
  return JSON.stringify(now.config[name]) !== JSON.stringify(next.config[name]);
}

function shown({ config, sources }: LoadedConfig, name: SettingName): [value: string | undefined, origin: string] {
  const value = shownValue(name, config[name]);
  return [value === undefined ? undefined : JSON.stringify(value), sources.get(name)?.place ?? 'default'];
}
