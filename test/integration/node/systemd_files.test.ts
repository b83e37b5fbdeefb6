import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { configSchema } from '../../../daemon/config/schema.js';
import { readConfigFile } from '../../../daemon/config/config_file.js';
import { unitOfHere } from '../../systemd/support/small_system.js';

const FOLDER = 'packaging/systemd';
const MOST_EXPOSURE = 3;

function read(file: string): string {
  return readFileSync(path.join(FOLDER, file), 'utf8');
}

/** Every value of a directive of the unit. */
function directives(unit: string, name: string): string[] {
  return unit.split('\n').flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []));
}

describe('The files for systemd', () => {
  const unit = read('alirtcd.service');

  describe('by systemd-analyze', function () {
    this.timeout(60_000);
    let folder: string;
    let file: string;

    before(async function () {
      const { status, stdout } = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' });
      // Older ones examine no file that is not installed.
      if (status !== 0 || Number(/^systemd (\d+)/.exec(stdout)?.[1] ?? 0) < 250) {
        console.log("      skipped: no systemd-analyze of 250 or newer; install Debian's package systemd");
        this.skip();
      }
      folder = mkdtempSync(path.join(os.tmpdir(), 'systemd-files-'));
      file = path.join(folder, 'alirtcd.service');
      writeFileSync(file, await unitOfHere());
    });
    after(() => (folder === undefined ? undefined : rmSync(folder, { recursive: true })));

    it('the unit is right', () => {
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      assert.doesNotMatch(stderr, /alirtcd/);
    });

    it('its exposure is what docs/operations.md says, and below what counts as medium', () => {
      const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', file], {
        encoding: 'utf8',
      });
      const level = /Overall exposure level for alirtcd\.service: ([\d.]+) (\w+)/.exec(stdout);
      assert.ok(level !== null, stdout);
      assert.ok(Number(level[1]) < MOST_EXPOSURE, stdout);
      const said = /exposure level of ([\d.]+)/.exec(readFileSync('docs/operations.md', 'utf8'))?.[1];
      // Other versions of systemd look at more, or weigh it otherwise.
      assert.ok(Math.abs(Number(said) - Number(level[1])) <= 0.3, `docs: ${said}, systemd-analyze: ${level[1]}`);
    });
  });

  it('the configuration is one that the daemon takes, with the folders that the unit makes', () => {
    const entries = readConfigFile(path.join(FOLDER, 'alirtcd.yaml'));
    const settings = Object.fromEntries(entries.map(({ name, value }) => [name, value]));
    const config = configSchema({ environment: {}, here: '/opt' }).parse(settings);
    const [logs] = directives(unit, 'LogsDirectory');
    const [runtime] = directives(unit, 'RuntimeDirectory');
    assert.equal(config['log-root'], `/var/log/${logs}`);
    assert.deepEqual(config.listen, [{ kind: 'unix', path: `/run/${runtime}/alirtcd.sock` }]);
    // What systemd allows by itself is enough; the daemon asks for more where it is not.
    assert.ok(Number(directives(unit, 'TimeoutStopSec')[0]) > config['drain-seconds']);
  });

  it('the unit leaves what Node, ICE and the cores need', () => {
    assert.deepEqual(directives(unit, 'MemoryDenyWriteExecute'), []);
    assert.deepEqual(directives(unit, 'PrivateUsers'), []);
    assert.match(directives(unit, 'RestrictAddressFamilies')[0] ?? '', /AF_NETLINK/);
    assert.deepEqual(directives(unit, 'KillMode'), ['mixed']);
    assert.deepEqual(directives(unit, 'NotifyAccess'), ['all']);
  });

  it('user, folders and the drop-in for limits of cores fit the unit', () => {
    const [user] = directives(unit, 'User');
    assert.match(read('alirtcd.sysusers'), new RegExp(`^u ${user} - "alirtcd" /var/lib/alirtcd$`, 'm'));
    assert.match(read('alirtcd.tmpfiles'), new RegExp(`^d /var/log/alirtcd 0750 ${user} ${user} `, 'm'));
    assert.deepEqual(directives(read('core-limits.conf'), 'ProtectControlGroups'), ['no']);
    assert.deepEqual(directives(unit, 'ProtectControlGroups'), ['yes']);
  });
});
