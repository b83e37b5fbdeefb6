import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { mergeReloadable } from '../../../daemon/config/config_changes.js';
import { ConfigInForce } from '../../../daemon/config/config_in_force.js';
import type { SettingView } from '../../../daemon/config/config_in_force.js';
import { loadConfigWithSources } from '../../../daemon/config/load_config.js';
import type { LoadedConfig } from '../../../daemon/config/load_config.js';
import type { SettingName } from '../../../daemon/config/schema.js';

describe('the settings in force', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'in-force-'));
  const file = path.join(folder, 'alirtcd.yaml');
  after(() => rmSync(folder, { recursive: true }));
  const write = (text: string): void => writeFileSync(file, text);
  const read = (): LoadedConfig =>
    loadConfigWithSources(['--config', file, '--event-ring', '99'], '1.2.3', {
      environment: { HOME: '/home/you', ALIRTCD_WARM_CORES: '2' },
      here: '/opt',
    });
  const start = (text: string): ConfigInForce => {
    write(text);
    return new ConfigInForce(read(), read);
  };
  const of = (inForce: ConfigInForce, name: SettingName): SettingView =>
    inForce.view().settings.find((setting) => setting.name === name) ?? assert.fail(name);
  /** As the daemon does on SIGHUP. */
  const reload = (inForce: ConfigInForce, before: LoadedConfig): void => {
    const next = read();
    inForce.take(next, mergeReloadable(before.config, next.config).changes);
  };

  it('have their value, the place that says it, and whether SIGHUP takes them', () => {
    const inForce = start('# mine\nmax_engines: 7\n');
    assert.deepEqual(of(inForce, 'max-engines'), {
      name: 'max-engines',
      value: '7',
      origin: `${file}:2`,
      reloadable: true,
    });
    assert.deepEqual([of(inForce, 'warm-cores').value, of(inForce, 'warm-cores').origin], ['2', 'ALIRTCD_WARM_CORES']);
    assert.equal(of(inForce, 'event-ring').origin, '--event-ring');
    assert.equal(of(inForce, 'lease-seconds').origin, 'default');
    assert.deepEqual([of(inForce, 'tokens').value, of(inForce, 'tokens').reloadable], [undefined, false]);
    const view = inForce.view();
    assert.deepEqual([view.file, view.fault], [file, undefined]);
    assert.ok(view.settings.every(({ pending }) => pending === undefined));
  });

  it('tell what stands in the file meanwhile, and after SIGHUP only what needs a restart', () => {
    const inForce = start('max_engines: 7\nlease_seconds: 30\n');
    const before = read();
    write('\n\nmax_engines: 9\nlease_seconds: 40\n');
    assert.deepEqual(of(inForce, 'max-engines').pending, { value: '9', origin: `${file}:3` });
    assert.deepEqual(of(inForce, 'lease-seconds').pending, { value: '40', origin: `${file}:4` });
    reload(inForce, before);
    assert.deepEqual(of(inForce, 'max-engines'), {
      name: 'max-engines',
      value: '9',
      origin: `${file}:3`,
      reloadable: true,
    });
    const lease = of(inForce, 'lease-seconds');
    assert.deepEqual(
      [lease.value, lease.origin, lease.pending],
      ['30', `${file}:2`, { value: '40', origin: `${file}:4` }],
    );
  });

  it('say that a setting goes back to its default', () => {
    const inForce = start('max_engines: 7\n');
    write('');
    assert.deepEqual(of(inForce, 'max-engines').pending, { value: '64', origin: 'default' });
  });

  it('stay, and say why, when what stands there now cannot be taken', () => {
    const inForce = start('max_engines: 7\n');
    write('max_engines: many\nno_such_setting: 1\n');
    const { settings, fault } = inForce.view();
    assert.match(fault ?? '', /alirtcd\.yaml:2: no-such-setting is not a setting/);
    assert.equal(settings.find(({ name }) => name === 'max-engines')?.value, '7');
    rmSync(file);
    assert.match(inForce.view().fault ?? '', /config file .*ENOENT/);
  });

  it('show no password of an address', () => {
    const inForce = start('channel_server_url: "wss://me:secret@livekit.example/?key=secret"\n');
    assert.ok(!JSON.stringify(inForce.view()).includes('secret@'));
    assert.ok(!JSON.stringify(inForce.view()).includes('key=secret'));
  });
});
