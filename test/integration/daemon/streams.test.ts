import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { ServiceError, StatusObject, Metadata } from '@grpc/grpc-js';
import { errorInfoOf } from '../../support/rpc.js';
import { within } from '../../support/scripted_core/scripted_cores.js';
import type { ScriptedCore } from '../../support/scripted_core/scripted_cores.js';
import { Scene } from './scene.js';
import { STREAMING_RPCS } from './streaming_rpcs.js';
import type { OpenStream, StreamingRpc, StreamMessage } from './streaming_rpcs.js';

interface Watched extends OpenStream {
  messages: StreamMessage[];
  metadata: Promise<Metadata>;
  ended: Promise<{ status: StatusObject; error?: ServiceError }>;
  /** Resolves when `enough` says so of what came. */
  until(enough: (messages: StreamMessage[]) => boolean): Promise<void>;
}

function watch(stream: OpenStream, { read = true } = {}): Watched {
  const messages: StreamMessage[] = [];
  const looks = new Set<() => void>();
  let error: ServiceError | undefined;
  stream.call.on('error', (thrown: ServiceError) => (error = thrown));
  if (read)
    stream.call.on('data', (message: StreamMessage) => {
      messages.push(message);
      for (const look of looks) look();
    });
  const metadata = new Promise<Metadata>((resolve) => stream.call.once('metadata', resolve));
  const ended = new Promise<{ status: StatusObject; error?: ServiceError }>((resolve) =>
    stream.call.once('status', (told: StatusObject) =>
      setImmediate(() => resolve(error === undefined ? { status: told } : { status: told, error })),
    ),
  );
  const until = (enough: (messages: StreamMessage[]) => boolean): Promise<void> =>
    within(
      'what the stream should bring',
      new Promise((resolve) => {
        const look = (): void => {
          if (enough(messages)) resolve();
        };
        looks.add(look);
        look();
      }),
    );
  return { ...stream, messages, metadata, ended, until };
}

/** How much has happened, in the unit of the RPC. */
function progress(rpc: StreamingRpc, messages: StreamMessage[]): number {
  const last = messages.at(-1);
  if (rpc.kind === 'push') return last?.acceptedFrames ?? 0;
  if (rpc.kind === 'frames') return last?.header?.sequence ?? 0;
  return messages.filter(({ event }) => event?.$case === 'onFirstRemoteAudioPacket').length;
}

/** Frame streams are told to the core before it makes frames; opening is over when the first metadata is here. */
async function opened(stream: Watched): Promise<void> {
  await within('the opening', stream.metadata);
}

for (const rpc of STREAMING_RPCS)
  describe(`the stream ${rpc.name}`, () => {
    let scene: Scene;
    let engineId: string;
    let core: ScriptedCore;

    before(async () => {
      scene = await Scene.start();
      ({ engineId, core } = await scene.joined());
      await rpc.prepare?.(scene, engineId);
    });
    after(() => scene.close());

    const openHere = (options?: { read?: boolean }): Watched => watch(rpc.open(scene, engineId, core), options);
    const cancel = async (stream: Watched): Promise<void> => {
      stream.call.cancel();
      assert.equal((await within('the end', stream.ended)).status.code, status.CANCELLED);
    };

    it('brings what happens, in order', async () => {
      const stream = openHere();
      await opened(stream);
      stream.feed(5);
      if (rpc.kind === 'push') stream.finish();
      await stream.until((messages) => progress(rpc, messages) >= 5);
      if (rpc.kind === 'frames')
        assert.deepEqual(
          stream.messages.map(({ data }) => Buffer.from(data ?? []).readUInt32BE(0)),
          [1, 2, 3, 4, 5],
        );
      if (rpc.kind === 'events') assert.equal(stream.messages[0]?.event?.$case, 'snapshot');
      if (rpc.kind === 'push') assert.equal((await stream.ended).status.code, status.OK);
      else await cancel(stream);
    });

    it('sends its metadata before there is anything to tell', async () => {
      const stream = openHere();
      await opened(stream);
      await cancel(stream);
    });

    it('names the engine that does not exist', async () => {
      const stream = watch(rpc.open(scene, 'eng_none', undefined));
      const { status: told, error } = await within('the refusal', stream.ended);
      assert.equal(told.code, status.NOT_FOUND);
      assert.ok(error !== undefined);
      assert.equal(errorInfoOf(error)?.reason, 'ENGINE_NOT_FOUND');
      stream.finish();
    });

    it('ends when the client cancels, and leaves nothing behind', async () => {
      // More than an engine may have open at once: what is not given back would be missed.
      for (let round = 0; round < 70; round += 1) {
        const stream = openHere();
        await opened(stream);
        await cancel(stream);
      }
    });

    it('keeps up with a high rate, and accounts for every message', async () => {
      const count = 2000;
      const stream = openHere();
      await opened(stream);
      stream.feed(count);
      if (rpc.kind === 'push') stream.finish();
      await stream.until((messages) => progress(rpc, messages) >= count);
      if (rpc.kind === 'frames') {
        let expected = 0;
        for (const { header, data } of stream.messages) {
          expected += (header?.droppedBefore ?? 0) + 1;
          assert.equal(header?.sequence, expected);
          assert.equal(Buffer.from(data ?? []).readUInt32BE(0), expected);
        }
      }
      if (rpc.kind === 'events') {
        const numbers = stream.messages.slice(1).map(({ sequence }) => sequence ?? 0);
        numbers.forEach((number, index) => assert.equal(number, (numbers[0] ?? 0) + index));
      }
      if (rpc.kind === 'push') assert.equal((await stream.ended).status.code, status.OK);
      else await cancel(stream);
    });

    it('survives an iteration that is given up', async () => {
      const abandoned = watch(rpc.open(scene, engineId, core), { read: false });
      await opened(abandoned);
      abandoned.feed(3);
      for await (const _message of abandoned.call) break;
      abandoned.call.cancel();
      const stream = openHere();
      await opened(stream);
      stream.feed(1, 4);
      if (rpc.kind === 'push') stream.finish();
      await stream.until((messages) => progress(rpc, messages) >= 1);
      if (rpc.kind !== 'push') await cancel(stream);
    });
  });

describe('all streams at the end of the daemon', () => {
  async function openAll(scene: Scene, read: boolean): Promise<{ rpc: StreamingRpc; stream: Watched }[]> {
    const { engineId, core } = await scene.joined();
    for (const rpc of STREAMING_RPCS) await rpc.prepare?.(scene, engineId);
    const streams = STREAMING_RPCS.map((rpc) => ({ rpc, stream: watch(rpc.open(scene, engineId, core), { read }) }));
    for (const { stream } of streams) {
      await opened(stream);
      stream.feed(3);
    }
    if (read)
      for (const { rpc, stream } of streams)
        if (rpc.kind === 'events') await stream.until((got) => progress(rpc, got) >= 3);
    return streams;
  }

  it('end with their engine when it shuts down gracefully', async () => {
    const scene = await Scene.start();
    const streams = await openAll(scene, true);
    const ends = Promise.all(streams.map(({ stream }) => within('the end', stream.ended)));
    scene.daemon.child.kill('SIGTERM');
    for (const [index, { status: told }] of (await ends).entries()) {
      const rpc = streams[index]?.rpc;
      // A producer that has not half-closed is told that nobody takes frames any more.
      assert.equal(told.code, rpc?.kind === 'push' ? status.UNAVAILABLE : status.OK, `${rpc?.name}: ${told.details}`);
    }
    const events = streams.find(({ rpc }) => rpc.kind === 'events')?.stream;
    assert.equal(events?.messages.at(-1)?.event?.$case, 'ended');
    assert.deepEqual(await scene.close(), { code: 0, signal: null });
  });

  it('do not hold up a shutdown when nobody reads them', async () => {
    const scene = await Scene.start();
    const streams = await openAll(scene, false);
    const begunMs = performance.now();
    scene.daemon.child.kill('SIGTERM');
    scene.daemon.child.kill('SIGINT');
    assert.deepEqual(await within('the exit', scene.daemon.exited), { code: 0, signal: null });
    assert.ok(performance.now() - begunMs < 5000);
    for (const { stream } of streams) stream.call.cancel();
    await scene.close();
  });
});
