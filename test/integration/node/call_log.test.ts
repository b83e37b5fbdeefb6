import assert from 'node:assert/strict';
import { Metadata } from '@grpc/grpc-js';
import { eventually } from '../../support/eventually.js';
import { rpc } from '../../support/rpc.js';
import { Scene } from '../daemon/scene.js';

type Line = Record<string, unknown>;

describe('the log of the daemon', function () {
  this.timeout(60_000);
  let scene: Scene;
  const lines = (): Line[] =>
    scene.daemon.log.flatMap((text) => (text.startsWith('{') ? [JSON.parse(text) as Line] : []));
  const line = (wanted: Line): Promise<Line> =>
    eventually(() => {
      const found = lines().find((one) => Object.entries(wanted).every(([key, value]) => one[key] === value));
      return found === undefined ? `no line ${JSON.stringify(wanted)}` : undefined;
    }).then(() => lines().find((one) => Object.entries(wanted).every(([key, value]) => one[key] === value)) ?? {});
  before(async () => {
    scene = await Scene.start({ flags: ['--log-level', 'debug'] });
  });
  after(() => scene.close());

  it('has a line for each call with request, engine and channel', async () => {
    const { engineId } = await scene.joined('logged');
    const call = await line({ msg: 'call', method: 'alirtc.v1.EngineService/JoinChannel', engineId });
    assert.deepEqual([call['level'], call['channel'], call['status']], ['debug', 'room', 'OK']);
    assert.match(String(call['requestId']), /^[0-9a-f]{16}$/);
    assert.equal(typeof call['durationMs'], 'number');
  });

  it("takes the client's own id, gives it back, and has it in what the call makes others write", async () => {
    const metadata = new Metadata();
    metadata.set('x-request-id', 'order-4711');
    let answered = '';
    await assert.rejects(
      rpc((done) =>
        scene.daemon.engines
          .getEngine({ engineId: 'nobody' }, metadata, done)
          .on('metadata', (headers: Metadata) => (answered = String(headers.get('x-request-id')[0]))),
      ),
    );
    const call = await line({ msg: 'call', requestId: 'order-4711' });
    assert.deepEqual([call['level'], call['status'], call['engineId']], ['info', 'NOT_FOUND', 'nobody']);
    await rpc((done) =>
      scene.daemon.node
        .getNodeStatus({}, metadata, done)
        .on('metadata', (headers: Metadata) => (answered = String(headers.get('x-request-id')[0]))),
    );
    assert.equal(answered, 'order-4711');
  });

  it('does not take what is no id', async () => {
    const metadata = new Metadata();
    metadata.set('x-request-id', `${'x'.repeat(65)}`);
    await rpc((done) => scene.daemon.engines.listEngines({}, metadata, done));
    const call = await line({ msg: 'call', method: 'alirtc.v1.EngineService/ListEngines' });
    assert.match(String(call['requestId']), /^[0-9a-f]{16}$/);
  });

  it('tells the steps of an engine with the request that asked for them, and later ones without', async () => {
    const { engineId } = await scene.joined('journal');
    const created = await line({ msg: 'engine created', engineId });
    const call = await line({ msg: 'call', method: 'alirtc.v1.EngineService/JoinChannel', engineId });
    assert.match(String(created['requestId']), /^[0-9a-f]{16}$/);
    const joined = await line({ msg: 'joined', engineId });
    assert.deepEqual([joined['channel'], joined['userId']], ['room', 'journal']);
    assert.notEqual(created['requestId'], call['requestId']);
    await rpc((done) => scene.daemon.engines.release({ engineId }, done));
    const ended = await line({ msg: 'engine ended', engineId });
    assert.equal(ended['cause'], 'RELEASED');
  });

  it('has no token in it', () => {
    assert.equal(scene.daemon.log.filter((text) => /eyJ[\w-]{20,}/.test(text)).length, 0);
  });
});
