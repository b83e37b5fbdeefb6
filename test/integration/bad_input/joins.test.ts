import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import {
  type AlirtcClient,
  ErrorCode,
  EngineState,
  TokenFormat,
  type Engine,
  type JoinChannelOptions,
} from '../../../client/index.js';
import { APP_KEY } from '../../support/running_daemon.js';
import { eventOf, refused } from './refused.js';
import { CONFIG, newChannel, TestBed } from './test_bed.js';

const CHANNEL = 'here';
const USER = 'me';
const HOUR_S = 3600;
const now = (): number => Math.floor(Date.now() / 1000);

type Credential = Pick<JoinChannelOptions, 'token' | 'authInfo'>;

interface TokenRow {
  title: string;
  /** What is joined with, beside channel here, user me. */
  join: (client: AlirtcClient) => Credential | Promise<Credential>;
  code: status;
  number: ErrorCode;
  reason: string;
  field: string;
  /** What the text has to name. */
  text: RegExp;
}

const BAD_TOKEN = {
  code: status.UNAUTHENTICATED,
  number: ErrorCode.JOIN_BAD_TOKEN,
  reason: 'ERR_JOIN_BAD_TOKEN',
  field: 'token',
};

async function token(client: AlirtcClient, options: Partial<Parameters<AlirtcClient['generateToken']>[0]> = {}) {
  const made = await client.generateToken({ channel: CHANNEL, userId: USER, ...options });
  return made.token;
}

function forged(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}.${'A'.repeat(43)}`;
}

const TOKENS: TokenRow[] = [
  {
    title: 'for another channel',
    join: async (client) => ({ token: await token(client, { channel: 'there' }) }),
    ...BAD_TOKEN,
    field: 'channel_id',
    text: /channel_id.*"there".*"here"/,
  },
  {
    title: 'for another user',
    join: async (client) => ({ token: await token(client, { userId: 'you' }) }),
    ...BAD_TOKEN,
    field: 'user_id',
    text: /user_id.*"you".*"me"/,
  },
  {
    title: 'that has expired',
    join: async (client) => ({ token: await token(client, { timestamp: now() - 1 }) }),
    ...BAD_TOKEN,
    field: 'timestamp',
    text: /timestamp.*expired at \d{4}-/,
  },
  {
    title: 'whose hash was made with another key',
    join: async (client) => ({ token: await token(client, { appKey: 'another key' }) }),
    ...BAD_TOKEN,
    text: /token.*hash/,
  },
  {
    title: 'of an app id that the key file does not have',
    join: async (client) => ({ token: await token(client, { appId: 'nobodys', appKey: APP_KEY }) }),
    code: status.UNAUTHENTICATED,
    number: ErrorCode.JOIN_BAD_APPID,
    reason: 'ERR_JOIN_BAD_APPID',
    field: 'app_id',
    text: /app_id.*"nobodys"/,
  },
  { title: 'of garbage', join: () => ({ token: '%%% garbage %%%' }), ...BAD_TOKEN, text: /token/ },
  { title: 'of random bytes', join: () => ({ token: '\u0000\uffff\ud83d' }), ...BAD_TOKEN, text: /token/ },
  {
    title: 'that is base64 of JSON of the wrong shape',
    join: () => ({ token: Buffer.from('{"appid":7}').toString('base64') }),
    ...BAD_TOKEN,
    text: /token.*(appid|channelid)/,
  },
  { title: 'that is null in base64', join: () => ({ token: 'bnVsbA==' }), ...BAD_TOKEN, text: /token/ },
  { title: 'with two dots that is no JWT', join: () => ({ token: 'a.b.c' }), ...BAD_TOKEN, text: /token/ },
  {
    title: 'of LiveKit for another channel',
    join: async (client) => ({ token: await token(client, { channel: 'there', format: TokenFormat.LIVEKIT }) }),
    ...BAD_TOKEN,
    field: 'channel_id',
    text: /channel_id.*"there".*"here"/,
  },
  {
    title: 'of LiveKit for another user',
    join: async (client) => ({ token: await token(client, { userId: 'you', format: TokenFormat.LIVEKIT }) }),
    ...BAD_TOKEN,
    field: 'user_id',
    text: /user_id.*"you".*"me"/,
  },
  {
    title: 'of LiveKit with a forged signature',
    join: () => ({
      token: forged({ iss: 'testapp', sub: USER, exp: now() + HOUR_S, video: { room: CHANNEL, roomJoin: true } }),
    }),
    ...BAD_TOKEN,
    text: /token|signature/i,
  },
  {
    title: 'of the multi-parameter join with a wrong hash',
    join: () => ({
      authInfo: { appId: 'testapp', channel: CHANNEL, userId: USER, timestamp: now() + HOUR_S, token: 'ab'.repeat(32) },
    }),
    ...BAD_TOKEN,
    text: /token.*hash/,
  },
  {
    title: 'of the multi-parameter join of an unknown app id',
    join: () => ({
      authInfo: { appId: 'nobodys', channel: CHANNEL, userId: USER, timestamp: now() + HOUR_S, token: 'ab'.repeat(32) },
    }),
    code: status.UNAUTHENTICATED,
    number: ErrorCode.JOIN_BAD_APPID,
    reason: 'ERR_JOIN_BAD_APPID',
    field: 'app_id',
    text: /app_id.*"nobodys"/,
  },
];

describe('bad input: joining', () => {
  let bed: TestBed;
  before(async () => void (bed = await TestBed.open()));
  after(() => bed[Symbol.asyncDispose]());

  describe('with a token', () => {
    let engine: Engine;
    before(async () => void (engine = await bed.engine()));
    after(async () => {
      await engine.release();
      await bed.nothingIsLeft();
    });

    for (const { title, join, code, number, reason, field, text } of TOKENS)
      it(`${title} gives ${reason}, as the status and as one OnJoinChannelResult`, async () => {
        const events = engine.events();
        await eventOf(events, 'snapshot');
        const options = { channelId: CHANNEL, userId: USER, config: CONFIG, ...(await join(bed.client)) };
        await refused(engine.joinChannel(options), { code, reason, number, field, text });
        await engine.joinChannel(options, { wait: false });
        const results = [await eventOf(events, 'onJoinChannelResult'), await eventOf(events, 'onJoinChannelResult')];
        for (const { value } of results) {
          assert.deepEqual([value.result, value.channel, value.userId], [number, CHANNEL, USER]);
          assert.match(value.text, text);
        }
        // Exactly one each: the next event of a good join is its own result.
        await bed.join(engine, CHANNEL, USER);
        assert.equal((await eventOf(events, 'onJoinChannelResult')).value.result, 0);
        await engine.leaveChannel();
        events.cancel();
      });

    it('and no channel, that is unreadable, is refused before the join', async () => {
      await refused(engine.joinChannel({ token: 'garbage' }), {
        code: status.UNAUTHENTICATED,
        reason: 'ERR_JOIN_BAD_TOKEN',
        number: ErrorCode.JOIN_BAD_TOKEN,
        field: 'token',
      });
    });
  });

  describe('a second time', () => {
    const already = {
      code: status.FAILED_PRECONDITION,
      reason: 'ERR_JOIN_ALREADY_JOINED',
      number: ErrorCode.JOIN_ALREADY_JOINED,
    };

    it('while joining and while joined is refused, and the first join stands', async () => {
      const channel = newChannel();
      const engine = await bed.engine();
      const { token } = await bed.client.generateToken({ channel, userId: USER });
      const options = { token, channelId: channel, userId: USER, config: CONFIG };
      const first = engine.joinChannel(options);
      // Two calls of one client arrive in their order.
      await refused(engine.joinChannel(options, { wait: false }), { ...already, text: new RegExp(channel) });
      await first;
      await refused(engine.joinChannel(options), { ...already, text: new RegExp(channel) });
      assert.equal((await engine.snapshot())?.state, EngineState.JOINED);
      const left = engine.leaveChannel();
      await refused(engine.joinChannel(options), already);
      await left;
      await engine.joinChannel(options);
      await engine.release();
      await bed.nothingIsLeft();
    });

    it('by twenty calls at once is accepted once', async () => {
      const channel = newChannel();
      const engine = await bed.engine();
      const { token } = await bed.client.generateToken({ channel, userId: USER });
      const joins = Array.from({ length: 20 }, () => engine.joinChannel({ token, channelId: channel, userId: USER }));
      const outcomes = await Promise.allSettled(joins);
      assert.equal(outcomes.filter(({ status: outcome }) => outcome === 'fulfilled').length, 1);
      await engine.release();
    });
  });
});
