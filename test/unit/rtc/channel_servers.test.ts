import assert from 'node:assert/strict';
import { createLogger } from '../../../common/logger.js';
import { RoomConnectError } from '../../../coreservice/rtc/connect_error.js';
import { ChannelServers } from '../../../coreservice/rtc/room/channel_servers.js';

const logger = createLogger('test', 'silent');
const URLS = ['ws://one', 'ws://two', 'ws://three'];

/** Asks; `answers` says with what each server fails, and those it does not name take us. Gives who was asked. */
async function ask(
  servers: ChannelServers,
  answers: Record<string, RoomConnectError['kind']>,
): Promise<{ asked: string[]; budgets: number[]; outcome: string }> {
  const asked: string[] = [];
  const budgets: number[] = [];
  const outcome = servers.firstOf(3000, (url, timeoutMs) => {
    asked.push(url);
    budgets.push(timeoutMs);
    const kind = answers[url];
    return kind === undefined ? Promise.resolve(url) : Promise.reject(new RoomConnectError(kind, `${kind} here`));
  });
  return { asked, budgets, outcome: await outcome.catch((error: unknown) => String(error)) };
}

describe('the channel servers of a room', () => {
  it('are asked in order until one takes us, each with its share of the time', async () => {
    const { asked, budgets, outcome } = await ask(new ChannelServers(URLS, logger), { 'ws://one': 'refused' });
    assert.deepEqual(asked, ['ws://one', 'ws://two']);
    assert.equal(outcome, 'ws://two');
    assert.ok(budgets[0] !== undefined && budgets[0] <= 1000, `${budgets[0]}`);
    assert.ok(budgets[1] !== undefined && budgets[1] > 1200, `${budgets[1]}`);
  });

  it('the one that worked last is asked first', async () => {
    const servers = new ChannelServers(URLS, logger);
    await ask(servers, { 'ws://one': 'refused' });
    assert.equal(servers.current, 'ws://two');
    assert.deepEqual((await ask(servers, { 'ws://two': 'refused', 'ws://three': 'refused' })).asked, [
      'ws://two',
      'ws://three',
      'ws://one',
    ]);
  });

  it('one that hung is asked last', async () => {
    const servers = new ChannelServers(URLS, logger);
    await ask(servers, { 'ws://one': 'timeout', 'ws://two': 'server', 'ws://three': 'refused' });
    assert.deepEqual((await ask(servers, { 'ws://two': 'refused', 'ws://three': 'refused' })).asked, [
      'ws://two',
      'ws://three',
      'ws://one',
    ]);
  });

  it('what one of them says of the token or the room counts for all', async () => {
    for (const kind of ['unauthorized', 'room_full'] as const)
      assert.deepEqual((await ask(new ChannelServers(URLS, logger), { 'ws://one': kind })).asked, ['ws://one']);
  });

  it('a failure names each of them and what it said, and no token', async () => {
    const urls = ['ws://user:word@one/?access_token=secret', 'ws://two'];
    const { outcome } = await ask(new ChannelServers(urls, logger), {
      [urls[0] ?? '']: 'refused',
      'ws://two': 'timeout',
    });
    assert.equal(
      outcome,
      'RoomConnectError: channel server ws://one: refused here; channel server ws://two: timeout here',
    );
  });
});
