import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { WebSocketServer } from 'ws';
import { SignalSession, type SignalEnd } from '../../../channelserver/signal/signal_session.js';
import { createLogger } from '../../../common/logger.js';
import { SignalConnection } from '../../../coreservice/rtc/signal/signal_connection.js';

const WORKER = new URL('../../support/signal_worker.mjs', import.meta.url);

/** The other end, in a thread of its own. */
class Peer implements AsyncDisposable {
  readonly #worker: Worker;

  constructor(data: Readonly<Record<string, unknown>>) {
    this.#worker = new Worker(WORKER, { workerData: data });
  }

  async told(what: string): Promise<unknown> {
    const signal = AbortSignal.timeout(10_000);
    for (;;) {
      const [message] = (await once(this.#worker, 'message', { signal })) as [{ what: string; value?: unknown }];
      if (message.what === what) return message.value;
    }
  }

  beSilent(): void {
    this.#worker.postMessage('silence');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

/** As SIGSTOP, or a virtual machine that is not run. */
function holdUp(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function connected(peer: Peer): Promise<SignalConnection> {
  const port = await peer.told('port');
  const url = `ws://127.0.0.1:${String(port)}`;
  const connection = await SignalConnection.open({ url, path: '/rtc', query: {}, token: 't', timeoutMs: 5000 });
  connection.start();
  return connection;
}

describe('A process that was held up', function () {
  this.timeout(30_000);
  const SERVER = { role: 'server', pingInterval: 1, pingTimeout: 2, answerMs: 400, isMute: false };

  it('does not take a channel server for dead whose answer waits to be read', async () => {
    await using peer = new Peer(SERVER);
    const connection = await connected(peer);
    let closed = '';
    connection.once('closed', (reason) => (closed = reason));
    await peer.told('ping');
    holdUp(3000);
    await peer.told('ping');
    await peer.told('ping');
    assert.equal(closed, '');
    await connection.close(1000);
  });

  it('takes one for dead that does not answer', async () => {
    await using peer = new Peer({ ...SERVER, isMute: true });
    const connection = await connected(peer);
    const signal = AbortSignal.timeout(10_000);
    const [reason] = (await once(connection, 'closed', { signal })) as [string];
    assert.equal(reason, 'no answer to pings');
  });

  it('does not take a client for silent whose messages wait to be read, and does when there are none', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await using peer = new Peer({ role: 'client', url, intervalMs: 100 });
    const [socket] = (await once(server, 'connection')) as [ConstructorParameters<typeof SignalSession>[0]];
    const logger = createLogger('test', 'silent');
    const session = new SignalSession(socket, { queueBytes: 1e6, pendingRequests: 100, silenceMs: 600, logger });
    const ends: SignalEnd[] = [];
    session.listen({ request: () => Promise.resolve(), ended: (cause) => ends.push(cause) });
    await delay(300);
    holdUp(2000);
    await delay(900);
    assert.deepEqual(ends, []);
    peer.beSilent();
    await peer.told('closed');
    assert.deepEqual(ends, ['silent']);
    server.close();
  });
});
