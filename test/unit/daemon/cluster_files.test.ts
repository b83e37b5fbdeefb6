import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { formatListenAddress } from '../../../daemon/config/listen_address.js';
import { loadConfig } from '../../../daemon/config/load_config.js';

const FOLDER = fileURLToPath(new URL('../../../docker/cluster/', import.meta.url));
const read = (name: string): Record<string, unknown> =>
  parse(readFileSync(FOLDER + name, 'utf8'), { merge: true }) as Record<string, unknown>;

interface Service {
  command: string[];
  network_mode: string;
  volumes?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, unknown>;
}
const { services } = read('compose.yaml') as { services: Record<string, Service> };
const livekit = read('livekit.yaml') as {
  port: number;
  key_file: string;
  redis: { address: string };
  rtc: { port_range_start: number; port_range_end: number };
};

/** The daemon's configuration as a service of the compose file starts it. */
function configOf(name: string) {
  const environment = { HOME: '/', ...services[name]?.environment };
  const argv = ['--config', `${FOLDER}alirtcd.yaml`];
  return loadConfig(argv, '1.2.3', { environment, here: '/opt/alirtcd/dist/bin' });
}

describe('the files of docker/cluster', () => {
  it('are a LiveKit node, Redis and two daemons', () => {
    assert.deepEqual(Object.keys(services), ['redis', 'livekit', 'alirtcd-1', 'alirtcd-2']);
    for (const [name, { network_mode }] of Object.entries(services)) assert.equal(network_mode, 'host', name);
  });

  it("hold a configuration that the daemon takes, for each daemon with an address of its own, at the node's port", () => {
    const listen = ['alirtcd-1', 'alirtcd-2'].map((name) => {
      const config = configOf(name);
      assert.deepEqual(config['channel-server-url'], [`ws://127.0.0.1:${livekit.port}`]);
      assert.deepEqual(config['channel-server-allowed'], []);
      return config.listen.map(formatListenAddress);
    });
    assert.deepEqual(listen, [['tcp:127.0.0.1:7420'], ['tcp:127.0.0.1:7421']]);
  });

  it('give both sides the same key file, and mount every file that a configuration names', () => {
    const mounts = (name: string): Record<string, string> => {
      const pairs = (services[name]?.volumes ?? []).map((volume) => volume.split(':'));
      return Object.fromEntries(pairs.map(([from = '', to = '']) => [to, from]));
    };
    assert.equal(mounts('livekit')[livekit.key_file], './keys.yaml');
    for (const name of ['alirtcd-1', 'alirtcd-2']) {
      assert.equal(mounts(name)[configOf(name).keys ?? ''], './keys.yaml', name);
      assert.equal(mounts(name)[services[name]?.command[1] ?? ''], './alirtcd.yaml', name);
    }
    assert.equal(mounts('livekit')[services['livekit']?.command[1] ?? ''], './livekit.yaml');
  });

  it('lead the node to the Redis that is started', () => {
    const [host, port] = livekit.redis.address.split(':');
    const command = services['redis']?.command ?? [];
    assert.equal(command[command.indexOf('--bind') + 1], host);
    assert.equal(port, '6379');
    assert.ok('redis' in (services['livekit']?.depends_on ?? {}));
  });
});
