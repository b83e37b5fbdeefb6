import assert from 'node:assert/strict';
import type { Demand, PictureLanes, PictureLaneReport } from '../../../coreservice/ipc/extension.js';
import type { Selection } from '../../../daemon/media/demand.js';
import { MediaHub } from '../../../daemon/media/media_hub.js';
import { FakeClock } from './fake_clock.js';
import { frame } from './frames.js';

const PICTURES: Selection = {
  kind: 'pictures',
  uids: new Set(['anna']),
  tracks: new Set([3]),
  shape: { sampleRate: 48_000, channels: 1 },
  local: true,
  direct: true,
};

describe('the picture lanes of an engine', () => {
  function make({ folder }: { folder?: string } = { folder: '/nowhere' }) {
    const told: { demand: Demand; lanes: PictureLanes | undefined }[] = [];
    const clock = new FakeClock();
    const core = {
      demand: (demand: Demand, lanes?: PictureLanes) => void told.push({ demand, lanes }),
      requestKeyFrame: () => undefined,
      readPicture: () => Buffer.from('from the ring'),
    };
    const hub = new MediaHub(core, clock, folder);
    const open = (wanted: Selection = PICTURES) => {
      const offers: { path: string; secret: Buffer }[] = [];
      const stream = { offers, frames: 0, ended: false, error: undefined as Error | undefined, close: () => {} };
      stream.close = hub.open(wanted, 4, {
        write: (_message, done) => {
          stream.frames++;
          done();
        },
        end: (error) => Object.assign(stream, { ended: true, error }),
        offerDirect: (lane) => offers.push(lane),
      });
      return stream;
    };
    const report = (...pictureLanes: PictureLaneReport[]) => hub.onCoreVersion({ pictureLanes });
    const listed = async () => {
      await Promise.resolve();
      return told.at(-1)?.lanes?.lanes ?? [];
    };
    return { hub, told, clock, open, report, listed };
  }
  const at = (id: number, state: PictureLaneReport['state'], delivered = 0, dropped = 0) => ({
    id,
    state,
    delivered,
    dropped,
  });

  it('are asked of the core instead of pictures, and told to the client when the core waits for it', async () => {
    const { told, open, report, listed } = make();
    report();
    const stream = open();
    const [lane] = await listed();
    assert.deepEqual(told.at(-1)?.demand.pictures, []);
    assert.deepEqual({ uids: lane?.uids, tracks: lane?.tracks }, { uids: ['anna'], tracks: [3] });
    assert.deepEqual(stream.offers, []);
    report(at(lane?.id ?? 0, 'offered'));
    const path = told.at(-1)?.lanes?.path;
    assert.deepEqual(stream.offers, [{ path, secret: Buffer.from(lane?.secret ?? '', 'hex') }]);
    assert.equal(lane?.secret.length, 64);
  });

  for (const [title, core] of [
    ['that has not said that it knows lanes', undefined],
    ['that said its version without them', {}],
  ] as const)
    it(`are not asked of a core ${title}: pictures go through the daemon`, async () => {
      const { hub, told, open } = make();
      if (core !== undefined) hub.onCoreVersion(core);
      const stream = open();
      await Promise.resolve();
      assert.deepEqual(told.at(-1), {
        demand: { ...told.at(-1)?.demand, pictures: [{ uid: 'anna', track: 3 }] },
        lanes: undefined,
      });
      hub.deliver(frame(1, { kind: 'pictures', uid: 'anna', track: 3 }));
      assert.equal(stream.frames, 1);
    });

  it('are nobody else’s business: other streams get their pictures through the daemon, the stream with a lane none', async () => {
    const { hub, told, open, report } = make();
    report();
    const stream = open();
    const other = open({ ...PICTURES, direct: false });
    await Promise.resolve();
    assert.deepEqual(told.at(-1)?.demand.pictures, [{ uid: 'anna', track: 3 }]);
    hub.deliver(frame(1, { kind: 'pictures', uid: 'anna', track: 3 }));
    assert.deepEqual([stream.frames, other.frames], [0, 1]);
  });

  it('go back to the daemon when the core cannot have one', async () => {
    const { hub, told, open, report, listed } = make();
    report();
    const stream = open();
    const [lane] = await listed();
    report(at(lane?.id ?? 0, 'closed'));
    assert.deepEqual(await listed(), []);
    assert.deepEqual(told.at(-1)?.demand.pictures, [{ uid: 'anna', track: 3 }]);
    hub.deliver(frame(1, { kind: 'pictures', uid: 'anna', track: 3 }));
    assert.deepEqual([stream.frames, stream.offers.length, stream.ended], [1, 0, false]);
  });

  it('end their stream when the client does not come in time, or closes the lane alone', async () => {
    const { clock, open, report, listed } = make();
    report();
    const [late, closer, ready] = [open(), open(), open()];
    const ids = (await listed()).map(({ id }) => id);
    report(...ids.map((id) => at(id, 'offered')));
    report(at(ids[1] ?? 0, 'open'), at(ids[2] ?? 0, 'open'));
    report(at(ids[1] ?? 0, 'closed'));
    assert.deepEqual([late.ended, closer.ended, ready.ended], [false, true, false]);
    clock.advance(11_000);
    assert.deepEqual([late.ended, ready.ended], [true, false]);
    for (const { error } of [late, closer]) assert.match(String(error), /picture lane/);
    assert.deepEqual(
      (await listed()).map(({ id }) => id),
      [ids[2]],
    );
  });

  it('are offered anew by the core that takes the place of another, and count on', async () => {
    const { hub, told, open, report, listed } = make();
    report();
    const stream = open();
    const [first] = await listed();
    const path = told.at(-1)?.lanes?.path;
    report(at(first?.id ?? 0, 'offered'));
    report(at(first?.id ?? 0, 'open', 7, 1));
    hub.coreReplaced();
    hub.announceDemand();
    await Promise.resolve();
    assert.equal(told.at(-1)?.lanes, undefined);
    report();
    const [second] = await listed();
    assert.notEqual(told.at(-1)?.lanes?.path, path);
    assert.notEqual(second?.secret, first?.secret);
    report(at(first?.id ?? 0, 'closed', 99, 99));
    report(at(second?.id ?? 0, 'offered'));
    report(at(second?.id ?? 0, 'open', 3, 0));
    assert.equal(stream.offers.length, 2);
    assert.deepEqual(hub.totals, { delivered: 10, dropped: 1 });
    assert.deepEqual(
      hub.streams().map(({ delivered, dropped }) => ({ delivered, dropped })),
      [{ delivered: 10, dropped: 1 }],
    );
  });

  it('end their stream when the core that takes the place of another knows none', async () => {
    const { hub, open, report } = make();
    report();
    const stream = open();
    hub.coreReplaced();
    hub.onCoreVersion(undefined);
    await Promise.resolve();
    assert.equal(stream.ended, true);
    assert.match(String(stream.error), /no picture lanes/);
  });

  it('count to the end: what the core tells after the stream was closed too', async () => {
    const { hub, open, report, listed } = make();
    report();
    const stream = open();
    const [lane] = await listed();
    report(at(lane?.id ?? 0, 'open', 30, 0));
    stream.close();
    assert.deepEqual(await listed(), []);
    assert.deepEqual(hub.totals, { delivered: 30, dropped: 0 });
    report(at(lane?.id ?? 0, 'closed', 42, 2));
    assert.deepEqual(hub.totals, { delivered: 42, dropped: 2 });
    assert.equal(hub.counts().get('pictures')?.received, 44);
    report(at(lane?.id ?? 0, 'closed', 50, 2));
    assert.deepEqual(hub.totals, { delivered: 42, dropped: 2 });
  });

  it('take no notice of a core that talks nonsense', async () => {
    const { hub, open, listed } = make();
    hub.onCoreVersion({ pictureLanes: [] });
    const stream = open();
    const [lane] = await listed();
    const reports: unknown[] = [null, 7, {}, { id: lane?.id, state: 'open', delivered: -1, dropped: 'x' }, { id: 77 }];
    hub.onCoreVersion({ pictureLanes: reports as PictureLaneReport[] });
    assert.deepEqual([stream.ended, hub.totals], [false, { delivered: 0, dropped: 0 }]);
  });

  it('are off without a folder', async () => {
    const { told, open, report } = make({});
    report();
    open();
    await Promise.resolve();
    assert.deepEqual([told.at(-1)?.lanes, told.at(-1)?.demand.pictures.length], [undefined, 1]);
  });
});
