import assert from 'node:assert/strict';
import type { AlirtcError } from '../../../common/errors.js';
import type { LogReader } from '../../../daemon/node/log_reader.js';
import { MAX_LINE_CHARACTERS } from '../../../daemon/node/log_line.js';
import { LogRing } from '../../../daemon/node/log_ring.js';
import type { LogRequest } from '../../../daemon/node/log_ring.js';

const EVERYTHING = { engineId: '', leastLevel: 0, sinceLines: 1000, follow: false };
const MOST = 16;
const open = (ring: LogRing, request: LogRequest): LogReader => ring.open(request, MOST);
const never = new AbortController().signal;
const line = (msg: string, more: object = {}): string => `${JSON.stringify({ level: 'info', msg, ...more })}\n`;

async function readAll(reader: LogReader): Promise<{ msg: string; sequence: number; droppedBefore: number }[]> {
  const all = [];
  for (let read = await reader.next(never); read !== undefined; read = await reader.next(never)) {
    const { msg } = JSON.parse(read.line.shown) as { msg: string };
    all.push({ msg, sequence: read.line.sequence, droppedBefore: read.droppedBefore });
  }
  return all;
}

async function texts(reader: LogReader): Promise<string[]> {
  return (await readAll(reader)).map(({ msg }) => msg);
}

describe('the ring of log lines', () => {
  it('writes on what it keeps, and keeps the newest lines only', async () => {
    const written: string[] = [];
    const ring = new LogRing({ lines: 3, characters: 10_000 });
    const out = ring.tee({ write: (text) => written.push(text) });
    for (let n = 1; n <= 10; n += 1) out.write(line(String(n)));
    assert.equal(written.length, 10);
    assert.equal(written[0], line('1'));
    const kept = await readAll(open(ring, EVERYTHING));
    assert.deepEqual(
      kept.map(({ sequence, msg }) => `${sequence} ${msg}`),
      ['8 8', '9 9', '10 10'],
    );
  });

  it('keeps no more characters than it may, but always the last line', async () => {
    const ring = new LogRing({ lines: 100, characters: 280 });
    for (let n = 1; n <= 20; n += 1) ring.append(line('x'.repeat(70)));
    assert.equal((await texts(open(ring, EVERYTHING))).length, 2);
    ring.append(line('y'.repeat(1000)));
    assert.deepEqual((await texts(open(ring, EVERYTHING))).join(), 'y'.repeat(1000));
  });

  it('gives the newest lines that fit level and engine', async () => {
    const ring = new LogRing();
    for (let n = 0; n < 6; n += 1) {
      ring.append(line(`a${n}`, { engineId: 'a' }));
      ring.append(line(`b${n}`, { engineId: 'b', level: n < 3 ? 'debug' : 'error' }));
    }
    assert.deepEqual(await texts(open(ring, { ...EVERYTHING, engineId: 'a', sinceLines: 2 })), ['a4', 'a5']);
    assert.deepEqual(await texts(open(ring, { ...EVERYTHING, engineId: 'b', leastLevel: 4 })), ['b3', 'b4', 'b5']);
    assert.deepEqual(await texts(open(ring, { ...EVERYTHING, sinceLines: 0 })), []);
  });

  it('takes what is no line of ours for one of the highest level, about no engine', async () => {
    const ring = new LogRing();
    ring.append('a crash\n');
    ring.append('null\n');
    const reader = open(ring, { ...EVERYTHING, leastLevel: 5 });
    assert.equal((await reader.next(never))?.line.shown, 'a crash');
    assert.equal((await reader.next(never))?.line.shown, 'null');
    assert.deepEqual(await texts(open(ring, { ...EVERYTHING, engineId: 'a' })), []);
  });

  it('hands on what comes to who follows, and its end when the daemon ends', async () => {
    const ring = new LogRing();
    ring.append(line('before'));
    const reader = open(ring, { ...EVERYTHING, sinceLines: 1, follow: true });
    const reading = texts(reader);
    await Promise.resolve();
    ring.append(line('after', { level: 'warn' }));
    ring.end();
    ring.append(line('too late'));
    assert.deepEqual(await reading, ['before', 'after']);
    assert.deepEqual(await texts(open(ring, { ...EVERYTHING, sinceLines: 1, follow: true })), ['too late']);
  });

  it('drops the oldest of what waits for a slow reader, and says how many, each line once', async () => {
    const ring = new LogRing({ lines: 4, characters: 10_000 });
    const reader = open(ring, { ...EVERYTHING, sinceLines: 0, follow: true });
    for (let n = 1; n <= 9; n += 1) ring.append(line(String(n)));
    const first = await reader.next(never);
    assert.deepEqual([first?.line.sequence, first?.droppedBefore], [6, 5]);
    for (let n = 10; n <= 12; n += 1) ring.append(line(String(n)));
    ring.end();
    const rest = await readAll(reader);
    assert.deepEqual(
      rest.map(({ sequence, droppedBefore }) => [sequence, droppedBefore]),
      [
        [9, 2],
        [10, 0],
        [11, 0],
        [12, 0],
      ],
    );
  });

  it('counts only lines that fit as lost', async () => {
    const ring = new LogRing({ lines: 2, characters: 10_000 });
    const reader = open(ring, { engineId: 'a', leastLevel: 0, sinceLines: 0, follow: true });
    for (let n = 1; n <= 4; n += 1) {
      ring.append(line('other', { engineId: 'b' }));
      ring.append(line(String(n), { engineId: 'a' }));
    }
    assert.equal((await reader.next(never))?.droppedBefore, 2);
  });

  it('ends a wait when the caller goes, and takes no more readers than it may until one closes', async () => {
    const ring = new LogRing();
    const caller = new AbortController();
    const first = open(ring, { ...EVERYTHING, follow: true });
    const waiting = first.next(caller.signal);
    caller.abort();
    assert.equal(await waiting, undefined);
    for (let n = 1; n < MOST; n += 1) open(ring, { ...EVERYTHING, follow: true });
    assert.throws(
      () => open(ring, EVERYTHING),
      (error: AlirtcError) =>
        error.reason === 'TOO_MANY_STREAMS' &&
        error.metadata['limit'] === String(MOST) &&
        error.metadata['setting'] === 'max-log-readers',
    );
    first.close();
    open(ring, EVERYTHING).close();
  });

  it('cuts a line that is too long to its beginning, and it is still JSON with level and engine', async () => {
    const ring = new LogRing();
    ring.append(line('z'.repeat(MAX_LINE_CHARACTERS), { level: 'error', engineId: 'a', stack: 'deep' }));
    const read = await open(ring, { engineId: 'a', leastLevel: 4, sinceLines: 1, follow: false }).next(never);
    const shown = read?.line.shown ?? '';
    assert.ok(shown.length < MAX_LINE_CHARACTERS);
    const { level, engineId, cut, msg } = JSON.parse(shown) as Record<string, unknown>;
    assert.deepEqual([level, engineId, cut], ['error', 'a', true]);
    assert.match(String(msg), /^z+$/);
  });

  it('blots out what looks like a token', async () => {
    const ring = new LogRing();
    ring.append(line('joined with eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib3QifQ.c2lnbmF0dXJl'));
    assert.deepEqual(await texts(open(ring, EVERYTHING)), ['joined with [redacted]']);
  });
});
