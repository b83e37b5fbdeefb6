import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Client, credentials, loadPackageDefinition } from '@grpc/grpc-js';
import type { ServiceClientConstructor } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer, loadSync } from '@grpc/proto-loader';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { rpc } from '../../support/rpc.js';
import { Scene } from '../daemon/scene.js';

const packageFolder = path.dirname(createRequire(import.meta.url).resolve('@grpc/reflection/package.json'));
const SERVICES = ['EngineService', 'EventService', 'MediaService', 'NodeService', 'TokenService'];

interface ReflectionAnswer {
  listServicesResponse?: { service: { name: string }[] };
  fileDescriptorResponse?: { fileDescriptorProto: Buffer[] };
}

/** Asks grpc.reflection.v1, of which nothing is known but its public .proto. */
class Reflection {
  readonly #client: Client;
  readonly #path: string;
  readonly #serialize: (value: object) => Buffer;
  readonly #deserialize: (bytes: Buffer) => object;

  constructor(target: string) {
    const definition = loadSync(path.join(packageFolder, 'build/proto/grpc/reflection/v1/reflection.proto'))[
      'grpc.reflection.v1.ServerReflection'
    ] as unknown as Record<
      string,
      { path: string; requestSerialize: (value: object) => Buffer; responseDeserialize: (bytes: Buffer) => object }
    >;
    const method = definition['ServerReflectionInfo'] ?? assert.fail('no method');
    this.#client = new Client(target, credentials.createInsecure());
    [this.#path, this.#serialize, this.#deserialize] = [
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
    ];
  }

  ask(request: object): Promise<ReflectionAnswer> {
    return new Promise((resolve, reject) => {
      const call = this.#client.makeBidiStreamRequest(this.#path, this.#serialize, this.#deserialize);
      call.on('data', (answer: ReflectionAnswer) => resolve(answer)).on('error', reject);
      call.write(request);
      call.end();
    });
  }

  close(): void {
    this.#client.close();
  }
}

/** google.protobuf.FileDescriptorSet: file = 1. */
function descriptorSet(files: readonly Buffer[]): Buffer {
  const writer = new BinaryWriter();
  for (const file of files) writer.uint32((1 << 3) | 2).bytes(file);
  return Buffer.from(writer.finish());
}

describe('server reflection', function () {
  this.timeout(30_000);
  let scene: Scene;
  let reflection: Reflection;
  before(async () => {
    scene = await Scene.start();
    reflection = new Reflection(scene.daemon.target);
  });
  after(async () => {
    reflection.close();
    await scene.close();
  });

  it('names every service of the contract', async () => {
    const { listServicesResponse } = await reflection.ask({ listServices: '' });
    const names = listServicesResponse?.service.map(({ name }) => name) ?? [];
    for (const service of SERVICES) assert.ok(names.includes(`alirtc.v1.${service}`), `${service}: ${names.join()}`);
  });

  it('is enough for a client that has no .proto file to call a method and read the answer', async () => {
    const { fileDescriptorResponse } = await reflection.ask({ fileContainingSymbol: 'alirtc.v1.NodeService' });
    const files = fileDescriptorResponse?.fileDescriptorProto ?? [];
    const definition = loadPackageDefinition(loadFileDescriptorSetFromBuffer(descriptorSet(files)));
    const { v1 } = definition['alirtc'] as unknown as { v1: Record<string, ServiceClientConstructor> };
    const Constructor = v1['NodeService'] ?? assert.fail('no NodeService');
    const client = new Constructor(scene.daemon.target, credentials.createInsecure());
    const call = client['GetNodeStatus']?.bind(client) as (
      request: object,
      done: (error: null, answer: { version: string; processes: { kind: string }[] }) => void,
    ) => unknown;
    const answer = await rpc<{ version: string; processes: { kind: string }[] }>((done) => call({}, done));
    client.close();
    assert.match(answer.version, /^\d+\.\d+\.\d+/);
    assert.deepEqual(
      answer.processes.map(({ kind }) => kind),
      ['daemon'],
    );
  });

  for (const service of SERVICES)
    it(`gives the messages of ${service}`, async () => {
      const { fileDescriptorResponse } = await reflection.ask({ fileContainingSymbol: `alirtc.v1.${service}` });
      assert.ok((fileDescriptorResponse?.fileDescriptorProto.length ?? 0) > 0);
    });
});
