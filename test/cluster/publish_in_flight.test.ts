import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { PublishState } from '../../client/index.js';
import { EventRecord } from '../conformance/video/support/event_record.js';
import { eventually } from '../support/eventually.js';
import { startDaemon, type RunningDaemon } from '../support/running_daemon.js';
import { TcpWire } from '../support/tcp_wire.js';
import { Cluster } from './support/cluster.js';
import { Call, daemonAt } from './support/fault_scene.js';

/** An AddTrack is longer than all that is said beside it. */
const REQUEST_BYTES = 60;

type Lost = 'requests' | 'answers';

async function whenLost(wire: TcpWire, what: Lost): Promise<void> {
  await eventually(() => {
    const { lost } = wire;
    const isThere = what === 'requests' ? lost.length >= REQUEST_BYTES : lost.includes('TR_');
    return isThere ? undefined : `${lost.length} bytes of ${what}`;
  });
}

/** Alice joins through the wire, bob does not; the path is cut while her camera's AddTrack, or its answer, is on it. */
async function publishesOverCut(wire: TcpWire, bobs: RunningDaemon, lost: Lost, seconds: number): Promise<void> {
  await using alices = await daemonAt([wire.url]);
  await using call = await Call.open(alices, bobs);
  await call.alice.publishLocalVideoStream(false);
  using events = new EventRecord(call.alice);
  wire.lose(lost);
  const from = call.steps.alice.names.length;
  await call.alice.publishLocalVideoStream(true, { wait: false });
  await whenLost(wire, lost);
  await wire.cut();
  await eventually(() => (call.steps.alice.names.length > from ? undefined : 'the cut is not noticed'));
  await delay(seconds * 1000);
  assert.deepEqual(
    events.of('onVideoPublishStateChanged').map(({ value }) => value.newState),
    [PublishState.PUBLISHING],
  );
  await wire.mend();
  const mendedAtMs = performance.now();
  await events.first('onVideoPublishStateChanged', ({ newState }) => newState === PublishState.PUBLISHED, 20_000);
  console.log(`      published ${Math.round(performance.now() - mendedAtMs)} ms after the path was whole`);
  await call.bobSees.flows(10, 20_000);
  assert.deepEqual(
    events.of('onVideoPublishStateChanged').map(({ value }) => value.newState),
    [PublishState.PUBLISHING, PublishState.PUBLISHED],
  );
  assert.deepEqual(
    events.of('onError').map(({ value }) => value.text),
    [],
  );
}

describe('A camera that is being published while the signalling path is cut', function () {
  this.timeout(120_000);
  for (const seconds of [3, 30])
    for (const lost of ['requests', 'answers'] as const) {
      it(`for ${seconds} s, with the ${lost} in flight lost, is published at a LiveKit node without an error`, async () => {
        await using cluster = await Cluster.open();
        await using wire = await TcpWire.open(cluster.node1.ports.signalling);
        await using bobs = await daemonAt([cluster.node2.url]);
        await publishesOverCut(wire, bobs, lost, seconds);
      });

      it(`for ${seconds} s, with the ${lost} in flight lost, is published at the embedded server without an error`, async () => {
        await using bobs = await startDaemon();
        await using wire = await TcpWire.open(Number(new URL(bobs.ready.channelServerUrl).port));
        await publishesOverCut(wire, bobs, lost, seconds);
      });
    }
});
