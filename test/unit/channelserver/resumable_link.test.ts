import assert from 'node:assert/strict';
import type { SignalResponse } from '@livekit/protocol';
import { ResumableLink } from '../../../channelserver/room/resumable_link.js';

type Message = SignalResponse['message'];

function connection(): { said: bigint[]; ended: number; send: (message: Message) => void; end: () => void } {
  const said: bigint[] = [];
  return {
    said,
    ended: 0,
    send: (message) => said.push(message.case === 'pong' ? message.value : -1n),
    end() {
      this.ended += 1;
    },
  };
}
const pong = (value: bigint): Message => ({ case: 'pong', value });

describe('The way to a client over its signalling connections', () => {
  it('keeps what is said while it is away, behind what comes first on the next connection', () => {
    const [one, two] = [connection(), connection()];
    const link = new ResumableLink(one);
    link.send(pong(1n));
    link.detach();
    link.send(pong(2n));
    link.send(pong(3n));
    assert.ok(link.attach(two, [pong(0n)]));
    link.send(pong(4n));
    assert.deepEqual(one.said, [1n]);
    assert.deepEqual(two.said, [0n, 2n, 3n, 4n]);
    assert.equal(one.ended, 0, 'it is gone already');
  });

  it('ends a connection whose place another takes, and knows which one counts', () => {
    const [one, two] = [connection(), connection()];
    const link = new ResumableLink(one);
    assert.ok(link.isCurrent(one));
    link.attach(two, []);
    assert.equal(one.ended, 1);
    assert.deepEqual([link.isCurrent(one), link.isCurrent(two)], [false, true]);
    link.end();
    assert.equal(two.ended, 1);
  });

  it('does not go on when more was said than it keeps', () => {
    const link = new ResumableLink(connection());
    link.detach();
    for (let count = 0n; count <= 512n; count++) link.send(pong(count));
    const next = connection();
    assert.equal(link.attach(next, [pong(0n)]), false);
    assert.deepEqual(next.said, []);
  });
});
