import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { AlirtcClient, AlirtcStatusError } from '../../../client/index.js';
import type { Engine } from '../../../client/index.js';
import { OnSubscribeAudioAacResponse } from '../../../gen/alirtc/v1/media.js';
import type { MediaServiceServer } from '../../../gen/alirtc/v1/media.js';
import { eventually } from '../../support/eventually.js';
import { FakeDaemon } from '../../support/fake_daemon/fake_daemon.js';
import { serviceError } from '../../support/fake_daemon/status.js';

type Call = Parameters<MediaServiceServer['onSubscribeAudioAac']>[0];

const SECRET = Buffer.alloc(32, 5);
const BEGINS = OnSubscribeAudioAacResponse.fromPartial({ lane: { begins: true } });

function frame(sequence: number): OnSubscribeAudioAacResponse {
  const header = { sequence, captureTimeUs: 1, droppedBefore: 0, discontinuity: false };
  return OnSubscribeAudioAacResponse.fromPartial({ header, uid: 'bob', data: Buffer.alloc(10, sequence) });
}

function onLane(message: OnSubscribeAudioAacResponse): Buffer {
  const bytes = OnSubscribeAudioAacResponse.encode(message).finish();
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

describe('Frame lanes of the client', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'lane-'));
  const socketPath = path.join(folder, 'frames.sock');
  let daemon: FakeDaemon;
  let client: AlirtcClient;
  let engine: Engine;
  let server: Server;
  let serve: (call: Call) => void;
  let onConnection: (socket: Socket) => void;
  const sockets = new Set<Socket>();

  before(async () => {
    daemon = await FakeDaemon.start({ media: { onSubscribeAudioAac: (call) => serve(call) } });
    client = await AlirtcClient.connect(daemon.address);
    engine = client.engine('engine-1');
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      socket.once('data', (said: Buffer) => {
        assert.deepEqual(said, SECRET);
        onConnection(socket);
      });
    });
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  });

  after(() => {
    client.close();
    daemon.stop();
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const offer = (call: Call, at = socketPath): void =>
    void call.write(OnSubscribeAudioAacResponse.fromPartial({ lane: { path: at, secret: SECRET } }));
  const readAll = async (): Promise<number[]> => {
    const seen: number[] = [];
    for await (const { sequence, data, ...rest } of engine.audioAac({ localLane: true })) {
      assert.deepEqual(data, Buffer.alloc(10, sequence));
      assert.ok(!('lane' in rest));
      seen.push(sequence);
    }
    return seen;
  };

  it('are not asked for by default over TCP', async () => {
    const asked: boolean[] = [];
    serve = (call) => {
      asked.push(call.request.localLane);
      call.end();
    };
    for await (const _frame of engine.audioAac()) assert.fail('there is none');
    for await (const _frame of engine.audioAac({ localLane: true })) assert.fail('there is none');
    assert.deepEqual(asked, [false, true]);
  });

  it('that cannot be reached change nothing', async () => {
    serve = (call) => {
      offer(call, path.join(folder, 'nothing.sock'));
      for (const sequence of [1, 2, 3]) call.write(frame(sequence));
      call.end();
    };
    assert.deepEqual(await readAll(), [1, 2, 3]);
  });

  it('are read behind what comes by gRPC, however early their frames are there', async () => {
    let grpc: Call | undefined;
    serve = (call) => {
      grpc = call;
      offer(call);
    };
    onConnection = (socket) => {
      socket.write(Buffer.concat([onLane(frame(3)), onLane(frame(4))]), () => {
        grpc?.write(frame(1));
        grpc?.write(frame(2));
        grpc?.write(BEGINS);
        socket.end(onLane(frame(5)));
        grpc?.end();
      });
    };
    assert.deepEqual(await readAll(), [1, 2, 3, 4, 5]);
  });

  it('are read to their end before the status of the stream counts', async () => {
    let grpc: Call | undefined;
    serve = (call) => {
      grpc = call;
      offer(call);
    };
    onConnection = (socket) => {
      grpc?.write(BEGINS, () => {
        grpc?.emit('error', serviceError(status.UNAVAILABLE, 'core died', 'ERR_NETWORK_DISCONNECT', {}));
        setTimeout(() => socket.end(Buffer.concat([onLane(frame(1)), onLane(frame(2))])), 50);
      });
    };
    const stream = engine.audioAac({ localLane: true });
    assert.equal((await stream.next()).value?.sequence, 1);
    assert.equal((await stream.next()).value?.sequence, 2);
    await assert.rejects(stream.next(), { code: status.UNAVAILABLE, reason: 'ERR_NETWORK_DISCONNECT' });
  });

  it('are held up by a slow reader', async () => {
    let written = 0;
    let grpc: Call | undefined;
    serve = (call) => {
      grpc = call;
      offer(call);
    };
    onConnection = (socket) => {
      grpc?.write(BEGINS);
      const more = (): void => {
        while (written < 20_000) {
          written += 1;
          if (!socket.write(onLane(frame(written)))) return void socket.once('drain', more);
        }
        socket.end();
        grpc?.end();
      };
      more();
    };
    const stream = engine.audioAac({ localLane: true });
    assert.equal((await stream.next()).value?.sequence, 1);
    await eventually(() => (stream.buffered === 8 ? undefined : `${stream.buffered} frames are read ahead`));
    assert.ok(written < 15_000, `${written} frames were taken from the daemon`);
    let last = 1;
    for await (const { sequence } of stream) {
      assert.equal(sequence, last + 1);
      last = sequence;
    }
    assert.equal(last, 20_000);
  });

  it('close with a stream that is given up, and with the client', async () => {
    let grpc: Call | undefined;
    serve = (call) => {
      grpc = call;
      offer(call);
    };
    onConnection = (socket) => {
      grpc?.write(BEGINS);
      socket.write(onLane(frame(1)));
    };
    for await (const { sequence } of engine.audioAac({ localLane: true })) {
      assert.equal(sequence, 1);
      break;
    }
    await eventually(() => (sockets.size === 0 ? undefined : 'the lane is open'));
    const other = await AlirtcClient.connect(daemon.address);
    const stream = other.engine('engine-1').audioAac({ localLane: true });
    assert.equal((await stream.next()).value?.sequence, 1);
    other.close();
    await assert.rejects(stream.next(), { code: status.CANCELLED });
    await eventually(() => (sockets.size === 0 ? undefined : 'the lane is open'));
  });

  it('whose bytes make no sense end the stream with an error', async () => {
    let grpc: Call | undefined;
    serve = (call) => {
      grpc = call;
      offer(call);
    };
    onConnection = (socket) => {
      grpc?.write(BEGINS);
      socket.write(Buffer.alloc(8, 0xff));
    };
    await assert.rejects(readAll(), (error) => error instanceof AlirtcStatusError && /at most/.test(error.message));
  });
});
