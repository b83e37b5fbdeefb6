import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Client, credentials, status } from '@grpc/grpc-js';
import { AlirtcStatusError, TokenFormat } from '../../../client/index.js';
import { grpcTarget } from '../../../client/address.js';
import { toStatusError } from '../../../client/status_error.js';
import { APP_KEY } from '../../support/running_daemon.js';
import { CONFIG, newChannel, TestBed } from './test_bed.js';

const ENGINE = '/alirtc.v1.EngineService/GetEngine';

/** A unary call with those bytes as its message. */
function rawCall(client: Client, method: string, bytes: Buffer): Promise<AlirtcStatusError> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + 10_000;
    const asIs = (message: Buffer): Buffer => message;
    client.makeUnaryRequest(method, asIs, asIs, bytes, { deadline }, (error) =>
      error === null ? reject(new Error('was accepted')) : resolve(toStatusError(error)),
    );
  });
}

describe('bad input: on the wire', function () {
  this.timeout(20_000);
  let bed: TestBed;
  let client: Client;
  before(async () => {
    bed = await TestBed.open(['--log-level', 'trace']);
    client = new Client(grpcTarget(bed.daemon.address), credentials.createInsecure());
  });
  after(async () => {
    client.close();
    await bed[Symbol.asyncDispose]();
  });

  it('a method that does not exist ends that call only', async () => {
    assert.equal(
      (await rawCall(client, '/alirtc.v1.EngineService/Nothing', Buffer.alloc(0))).code,
      status.UNIMPLEMENTED,
    );
    assert.equal((await rawCall(client, '/nothing', Buffer.alloc(0))).code, status.UNIMPLEMENTED);
    assert.deepEqual(await bed.client.listEngines(), []);
  });

  it('a message of 70 MB is RESOURCE_EXHAUSTED before it is read', async () => {
    const error = await rawCall(client, ENGINE, Buffer.alloc(70 * 1024 * 1024));
    assert.equal(error.code, status.RESOURCE_EXHAUSTED);
    assert.deepEqual(await bed.client.listEngines(), []);
  });

  it('ten releases at once, also while it joins, all succeed', async () => {
    const engine = await bed.engine();
    const { token } = await bed.client.generateToken({ channel: 'r', userId: 'u' });
    const join = engine.joinChannel({ token, channelId: 'r', userId: 'u', config: CONFIG });
    const joined = join.then(
      () => 'OK',
      (error: unknown) => (error instanceof AlirtcStatusError ? error.codeName : String(error)),
    );
    await Promise.all(Array.from({ length: 10 }, () => bed.client.engine(engine.engineId).release()));
    assert.match(await joined, /^(OK|FAILED_PRECONDITION|UNAVAILABLE|CANCELLED)$/);
    await bed.nothingIsLeft();
  });

  it('no token and no key reaches the log, also at the level trace', async () => {
    const channel = newChannel();
    const tokens: string[] = [];
    const engine = await bed.engine();
    for (const format of [TokenFormat.ALIRTC, TokenFormat.LIVEKIT]) {
      const { token, authInfo } = await bed.client.generateToken({ channel, userId: 'me', format });
      tokens.push(token, authInfo?.token ?? token);
      await engine.joinChannel({ token, channelId: channel, userId: 'me', config: CONFIG });
      await engine.leaveChannel();
      await engine.joinChannel({ token, channelId: channel, userId: 'you' }).catch(() => undefined);
      await engine.joinChannel({ token: `${token}x`, channelId: channel, userId: 'me' }).catch(() => undefined);
      await engine.leaveChannel();
    }
    await engine.release();
    const root = path.join(bed.daemon.folder, 'log');
    const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const texts = [
      ...bed.daemon.log(),
      ...files.map((file) => readFileSync(path.join(file.parentPath, file.name), 'utf8')),
    ];
    assert.ok(texts.length > 10, `only ${texts.length} lines of log`);
    for (const text of texts) {
      assert.ok(!text.includes(APP_KEY), `the key is in: ${text.slice(0, 200)}`);
      // The daemon's own tokens are JWTs: their header begins so.
      assert.ok(!/eyJ[A-Za-z0-9_-]{20}/.test(text), `a token is in: ${text.slice(0, 200)}`);
      for (const token of tokens) assert.ok(!text.includes(token), `a token is in: ${text.slice(0, 200)}`);
    }
  });
});
