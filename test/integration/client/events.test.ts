import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { AlirtcClient, EndCause } from '../../../client/index.js';
import type { AlirtcEvent, Engine } from '../../../client/index.js';
import { EngineSnapshot } from '../../../gen/alirtc/v1/events.js';
import type { EventServiceServer, GetEventHandlerResponse } from '../../../gen/alirtc/v1/events.js';
import { FakeDaemon } from '../../support/fake_daemon/fake_daemon.js';
import { serviceError } from '../../support/fake_daemon/status.js';

type EventCall = Parameters<EventServiceServer['getEventHandler']>[0];

function snapshot(sequence: number): GetEventHandlerResponse {
  const value = EngineSnapshot.fromPartial({ engineId: 'engine-1' });
  return { sequence, timeUs: 1, event: { $case: 'snapshot', value } };
}
function online(sequence: number): GetEventHandlerResponse {
  return { sequence, timeUs: 2, event: { $case: 'onRemoteUserOnLineNotify', value: { uid: `user${sequence}` } } };
}
function ended(sequence: number): GetEventHandlerResponse {
  return { sequence, timeUs: 3, event: { $case: 'ended', value: { cause: EndCause.RELEASED, detail: '' } } };
}

describe('Event streams of the client', () => {
  let daemon: FakeDaemon;
  let client: AlirtcClient;
  let engine: Engine;
  let requested: number[];
  let serve: (call: EventCall) => void;

  before(async () => {
    daemon = await FakeDaemon.start({
      events: {
        getEventHandler: (call) => {
          requested.push(call.request.fromSequence);
          serve(call);
        },
      },
    });
    client = await AlirtcClient.connect(daemon.address);
    engine = client.engine('engine-1');
  });

  beforeEach(() => (requested = []));

  after(() => {
    client.close();
    daemon.stop();
  });

  async function collect(events: AsyncIterable<AlirtcEvent>): Promise<string[]> {
    const seen: string[] = [];
    for await (const event of events) seen.push(`${event.sequence} ${event.type}`);
    return seen;
  }

  it('gives the snapshot, the events by type, the end', async () => {
    serve = (call) => {
      for (const message of [snapshot(3), online(4), ended(5)]) call.write(message);
      call.end();
    };
    const uids: string[] = [];
    for await (const event of engine.events())
      if (event.type === 'onRemoteUserOnLineNotify') uids.push(event.value.uid);
    assert.deepEqual(uids, ['user4']);
    assert.deepEqual(await collect(engine.events()), ['3 snapshot', '4 onRemoteUserOnLineNotify', '5 ended']);
  });

  for (const code of [status.UNAVAILABLE, status.RESOURCE_EXHAUSTED])
    it(`goes on after ${status[code]} from the last number seen, without a gap or a second snapshot`, async () => {
      serve = (call) => {
        if (requested.length === 1) {
          call.write(snapshot(3));
          call.write(online(4));
          call.write(online(5), () => call.emit('error', serviceError(code, 'slow', 'SLOW_READER', {})));
          return;
        }
        for (const message of [snapshot(7), online(6), online(7), ended(8)]) call.write(message);
        call.end();
      };
      const seen = await collect(engine.events());
      assert.deepEqual(
        seen.map((line) => line.split(' ')[0]),
        ['3', '4', '5', '6', '7', '8'],
      );
      assert.deepEqual(requested, [0, 6]);
    });

  it('asks for the number that the reader wants, and resumes from it when nothing more was seen', async () => {
    serve = (call) => {
      call.write(snapshot(9));
      if (requested.length === 1) call.emit('error', serviceError(status.UNAVAILABLE, 'cut', 'X', {}));
      else {
        call.write(online(5));
        call.end();
      }
    };
    assert.deepEqual(await collect(engine.events({ fromSequence: 5 })), ['9 snapshot', '5 onRemoteUserOnLineNotify']);
    assert.deepEqual(requested, [5, 5]);
  });

  it('rejects with the error when it shall not resume', async () => {
    serve = (call) => {
      call.write(snapshot(1));
      call.emit('error', serviceError(status.UNAVAILABLE, 'cut', 'CUT', {}));
    };
    await assert.rejects(collect(engine.events({ resume: false })), { reason: 'CUT' });
    assert.deepEqual(requested, [0]);
  });

  it('rejects when what it missed is gone', async () => {
    serve = (call) => {
      if (requested.length === 1) {
        call.write(snapshot(1));
        call.emit('error', serviceError(status.RESOURCE_EXHAUSTED, 'slow', 'SLOW_READER', {}));
      } else
        call.emit('error', serviceError(status.OUT_OF_RANGE, 'gone', 'EVENTS_GONE', { oldest: '100', next: '200' }));
    };
    await assert.rejects(collect(engine.events()), {
      code: status.OUT_OF_RANGE,
      metadata: { oldest: '100', next: '200' },
    });
  });

  it('gives up resuming after its time', async () => {
    serve = (call) => {
      if (requested.length === 1) call.write(snapshot(1));
      call.emit('error', serviceError(status.UNAVAILABLE, 'cut', 'CUT', {}));
    };
    await assert.rejects(collect(engine.events({ resumeTimeoutMs: 200 })), { reason: 'CUT' });
    assert.ok(requested.length >= 2);
  });

  it('resumes with a daemon that came back at the same address', async () => {
    serve = (call) => void call.write(snapshot(1));
    const port = daemon.port;
    const events = engine.events();
    assert.equal((await events.next()).value?.type, 'snapshot');
    const second = events.next();
    daemon.stop();
    daemon = await FakeDaemon.start(
      {
        events: {
          getEventHandler: (call) => {
            requested.push(call.request.fromSequence);
            for (const message of [snapshot(2), online(2)]) call.write(message);
            call.end();
          },
        },
      },
      port,
    );
    assert.equal((await second).value?.sequence, 2);
    assert.equal((await events.next()).done, true);
    assert.deepEqual(requested, [0, 2]);
  });
});

describe('Event listeners of the client', () => {
  it('hear the events of their name over one stream, which closes with the last listener', async () => {
    const calls: EventCall[] = [];
    const opened: (() => void)[] = [];
    const daemon = await FakeDaemon.start({
      events: {
        getEventHandler: (call) => {
          calls.push(call);
          opened.forEach((resolve) => resolve());
        },
      },
    });
    const client = await AlirtcClient.connect(daemon.address);
    try {
      const engine = client.engine('e');
      const isOpen = new Promise<void>((resolve) => opened.push(resolve));
      const heard: string[] = [];
      const offline = engine.on('onRemoteUserOffLineNotify', () => heard.push('off'));
      const twice = new Promise<void>((resolve) => {
        const off = engine.on('onRemoteUserOnLineNotify', (event) => {
          heard.push(event.value.uid);
          if (heard.length < 2) return;
          off();
          resolve();
        });
      });
      await isOpen;
      for (const message of [snapshot(0), online(1), online(2), online(3)]) calls[0]?.write(message);
      await twice;
      assert.deepEqual(heard, ['user1', 'user2']);
      assert.equal(calls.length, 1);
      const closed = new Promise((resolve) => calls[0]?.on('cancelled', resolve));
      const end = new Promise((resolve) => engine.on('end', ({ error }) => resolve(error)));
      offline();
      calls[0]?.end();
      assert.equal(await end, undefined);
      void closed;
    } finally {
      client.close();
      daemon.stop();
    }
  });
});
