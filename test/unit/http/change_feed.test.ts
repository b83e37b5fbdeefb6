import assert from 'node:assert/strict';
import { ChangeFeed } from '../../../daemon/http/change_feed.js';

const gone = (engineId: string) => ['gone', { engineId }] as const;

describe('the feed of changes', () => {
  it('numbers messages from 1, and a reader goes on after the one it saw', () => {
    const feed = new ChangeFeed();
    const none = feed.idOf(feed.next - 1);
    feed.publish(...gone('a'));
    feed.publish(...gone('b'));
    assert.equal(feed.resume(none), 1);
    assert.deepEqual(feed.at(1), { number: 1, event: 'gone', json: '{"engineId":"a"}' });
    assert.equal(feed.resume(feed.idOf(2)), 3);
    for (const id of [feed.idOf(3), feed.idOf(-5), 'x', '', '0-1', `${feed.idOf(1)}.5`])
      assert.equal(feed.resume(id), undefined, id);
  });

  it('is bounded in messages and in characters; who was overtaken cannot go on', () => {
    const feed = new ChangeFeed();
    for (let n = 1; n <= 5000; n++) feed.publish(...gone(String(n)));
    assert.equal(feed.at(1), undefined);
    assert.equal(feed.resume(feed.idOf(1)), undefined);
    assert.equal(feed.at(5000)?.number, 5000);
    for (let n = 0; n < 30; n++) feed.publish(...gone('x'.repeat(100_000)));
    assert.equal(feed.at(5001), undefined);
    assert.notEqual(feed.at(5030), undefined);
  });

  it('lets nobody go on over what was not told', () => {
    const feed = new ChangeFeed();
    feed.publish(...gone('a'));
    const id = feed.idOf(1);
    feed.forget();
    assert.equal(feed.resume(id), undefined);
    feed.publish(...gone('b'));
    assert.equal(feed.resume(id), undefined);
  });

  it('wakes readers for a message, for the end, and when they go', async () => {
    const feed = new ChangeFeed();
    const never = new AbortController();
    const message = feed.moreThan(feed.next, never.signal);
    feed.publish(...gone('a'));
    await message;
    const aborted = feed.moreThan(feed.next, never.signal);
    never.abort();
    await aborted;
    const end = feed.moreThan(feed.next, new AbortController().signal);
    feed.close();
    await end;
    assert.ok(feed.closed);
  });
});
