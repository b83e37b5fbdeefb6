import assert from 'node:assert/strict';
import { Client, credentials, Metadata, status, type ServiceDefinition } from '@grpc/grpc-js';
import { grpcTarget } from '../../../client/address.js';
import { toStatusError } from '../../../client/status_error.js';
import { EngineServiceService } from '../../../gen/alirtc/v1/engine.js';
import { EventServiceService } from '../../../gen/alirtc/v1/events.js';
import { MediaServiceService } from '../../../gen/alirtc/v1/media.js';
import { NodeServiceService } from '../../../gen/alirtc/v1/node.js';
import { TokenServiceService } from '../../../gen/alirtc/v1/token.js';
import { refused } from './refused.js';
import { TestBed } from './test_bed.js';

const SERVICES: Record<string, ServiceDefinition> = {
  EngineService: EngineServiceService,
  EventService: EventServiceService,
  MediaService: MediaServiceService,
  NodeService: NodeServiceService,
  TokenService: TokenServiceService,
};

/** The calls that name no engine. Whatever is not here has to have an engine_id, so that a new call is tested without a new row. */
const WITHOUT_ENGINE = new Set(['createAliRtcEngine', 'listEngines', 'getNodeStatus', 'generateToken']);

interface Row {
  name: string;
  method: ServiceDefinition[string];
  /** The first message, for that engine; undefined: the call has no place for one. */
  request: (engineId: string) => object | undefined;
}

const rows: Row[] = Object.entries(SERVICES).flatMap(([service, definition]) =>
  Object.entries(definition)
    .filter(([name]) => !WITHOUT_ENGINE.has(name))
    .map(([name, method]) => ({
      name: `${service}.${name}`,
      method,
      request: (engineId: string) => {
        const empty = method.requestDeserialize(Buffer.alloc(0)) as { engineId?: string };
        if (!method.requestStream) return 'engineId' in empty ? { ...empty, engineId } : undefined;
        return { message: { $case: 'open', value: { engineId, sourceType: 0 } } };
      },
    })),
);

function call(client: Client, { method, name, request }: Row, engineId: string): Promise<unknown> {
  const { path, requestSerialize, responseDeserialize } = method;
  const message = request(engineId);
  assert.ok(message !== undefined, `${name}: its request has no engine_id, and it is not in WITHOUT_ENGINE`);
  const options = { deadline: Date.now() + 5_000 };
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(toStatusError(error));
    if (method.requestStream) {
      const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata(), options);
      stream.on('error', fail).on('data', resolve).on('end', resolve);
      // Not half-closed: the refusal must not wait for it.
      stream.write(message);
    } else if (method.responseStream) {
      const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, message, options);
      stream.on('error', fail).on('data', resolve).on('end', resolve);
    } else {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, options, (error, response) =>
        error === null ? resolve(response) : fail(error),
      );
    }
  });
}

describe('bad input: an engine id that nobody has', () => {
  let bed: TestBed;
  let client: Client;
  before(async () => {
    bed = await TestBed.open();
    client = new Client(grpcTarget(bed.daemon.address), credentials.createInsecure());
  });
  after(async () => {
    client.close();
    await bed[Symbol.asyncDispose]();
  });

  it('has every call of the contract in its table', () => {
    const all = Object.values(SERVICES).flatMap((definition) => Object.keys(definition));
    assert.equal(rows.length, all.length - WITHOUT_ENGINE.size, 'WITHOUT_ENGINE names a call that does not exist');
    assert.ok(rows.length >= 45, `only ${rows.length} calls`);
  });

  for (const row of rows)
    it(`is NOT_FOUND for ${row.name}`, async () => {
      const unknown = { code: status.NOT_FOUND, reason: 'ENGINE_NOT_FOUND', field: 'engine_id' };
      await refused(call(client, row, 'eng_aaaaaaaaaaaa'), { ...unknown, value: 'eng_aaaaaaaaaaaa' });
      await refused(call(client, row, ''), { ...unknown, value: '' });
      await refused(call(client, row, '../../etc/passwd\u0000\n"'), unknown);
    });

  it('is NOT_FOUND for one of 100,000 characters, with a short answer', async () => {
    const row = rows.find(({ name }) => name === 'EngineService.getEngine');
    assert.ok(row !== undefined);
    const error = await refused(call(client, row, 'x'.repeat(100_000)), {
      code: status.NOT_FOUND,
      reason: 'ENGINE_NOT_FOUND',
      field: 'engine_id',
    });
    assert.equal(error.value?.length, 80);
  });

  it('is NOT_FOUND for an engine that was released, except for Release and its events', async () => {
    const engine = await bed.engine();
    await engine.release();
    for (const row of rows) {
      if (/\.(release|getEngine|getEventHandler)$/.test(row.name)) continue;
      const error = await refused(call(client, row, engine.engineId), {
        code: status.NOT_FOUND,
        reason: 'ENGINE_NOT_FOUND',
        field: 'engine_id',
      });
      assert.equal(error.value, engine.engineId, row.name);
    }
    await bed.client.engine(engine.engineId).release();
    await bed.nothingIsLeft();
  });
});
