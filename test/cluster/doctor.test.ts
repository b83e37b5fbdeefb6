import assert from 'node:assert/strict';
import { APP_ID, APP_KEY } from '../support/running_daemon.js';
import { DoctorScene, expectFinding } from '../integration/doctor/doctor_scene.js';
import { clusterOfFile } from './support/cluster_of_file.js';

describe('alirtc doctor at real LiveKit servers', function () {
  this.timeout(60_000);
  const cluster = clusterOfFile();

  async function ask(keys: string): Promise<Awaited<ReturnType<DoctorScene['run']>>> {
    await using scene = await DoctorScene.create();
    const file = await scene.write('keys.yaml', keys);
    return await scene.run({ keys: file, 'channel-server-url': cluster().urls });
  }

  it('finds that each node takes the key, and that the clocks agree', async () => {
    const result = await ask(`${APP_ID}: ${APP_KEY}\n`);
    assert.equal(result.code, 0, JSON.stringify(result.findings, undefined, 1));
    for (const url of cluster().urls) {
      expectFinding(
        result,
        'channel server',
        'ok',
        new RegExp(`^${url}/?: answers as LiveKit does, and takes our key`),
      );
      expectFinding(result, 'clock', 'ok', new RegExp(`^agrees with that of ${url}`));
    }
  });

  it('finds a wrong secret and an unknown key, and tells neither secret nor token', async () => {
    for (const [keys, text] of [
      [`${APP_ID}: another-secret-0123456789abcdef0123456789\n`, /refuses our key \(401 invalid token: \[token\]/],
      [`nobody: another-secret-0123456789abcdef0123456789\n`, /refuses our key \(401 invalid API key: nobody\)/],
    ] as const) {
      const result = await ask(keys);
      assert.equal(result.code, 1);
      for (const url of cluster().urls)
        expectFinding(
          result,
          'channel server',
          'failure',
          new RegExp(`^${url}/?: ${text.source}`),
          /API key and secret/,
        );
      assert.doesNotMatch(JSON.stringify(result), /eyJ|another-secret/);
    }
  });
});
