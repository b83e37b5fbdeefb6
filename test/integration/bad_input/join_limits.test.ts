import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { ChannelProfile, EngineState, ErrorCode, type Engine } from '../../../client/index.js';
import { eventOf, refused } from './refused.js';
import { CONFIG, newChannel, TestBed } from './test_bed.js';

const CHANNEL = 'here';
const USER = 'me';
const MAX_TEXT_CHARACTERS = 2000;

describe('bad input: joins that go beyond', () => {
  let bed: TestBed;
  let engine: Engine;
  before(async () => {
    bed = await TestBed.open();
    engine = await bed.engine();
  });
  after(() => bed[Symbol.asyncDispose]());

  it('a token of megabytes leaves no megabytes in the events', async () => {
    const said = {
      appid: 'testapp',
      channelid: 'x'.repeat(3_000_000),
      userid: USER,
      nonce: '',
      timestamp: 1,
      token: '',
    };
    const token = Buffer.from(JSON.stringify(said)).toString('base64');
    await using events = engine.events();
    await eventOf(events, 'snapshot');
    const error = await engine
      .joinChannel({ token, channelId: CHANNEL, userId: USER }, { wait: false })
      .catch((thrown: unknown) => thrown);
    // Refused before it is accepted, or told by a short result: either is good.
    if (error instanceof Error) return;
    const { value } = await eventOf(events, 'onJoinChannelResult');
    assert.ok(value.text.length <= MAX_TEXT_CHARACTERS, `a text of ${value.text.length} characters`);
  });

  it('a LiveKit token that expired before time began is a bad token', async () => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { iss: 'testapp', sub: USER, exp: -1e300, video: { room: CHANNEL } };
    const token = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}.${'A'.repeat(43)}`;
    await refused(engine.joinChannel({ token, channelId: CHANNEL, userId: USER }), {
      code: status.UNAUTHENTICATED,
      reason: 'ERR_JOIN_BAD_TOKEN',
      number: ErrorCode.JOIN_BAD_TOKEN,
      field: 'timestamp',
      text: /expired/,
    });
  });

  it('a join into a channel of another profile is refused by its number', async () => {
    const channel = newChannel();
    await using first = await bed.joined(channel, 'first');
    const { token } = await bed.client.generateToken({ channel, userId: 'second' });
    const config = { ...CONFIG, channelProfile: ChannelProfile.INTERACTIVE_LIVE };
    await refused(engine.joinChannel({ token, channelId: channel, userId: 'second', config }), {
      code: status.FAILED_PRECONDITION,
      reason: 'ERR_JOIN_PROFILE_MISMATCH',
      number: ErrorCode.JOIN_PROFILE_MISMATCH,
      field: 'config.channel_profile',
    });
    assert.equal((await engine.snapshot())?.state, EngineState.READY);
    assert.equal((await first.snapshot())?.state, EngineState.JOINED);
  });
});
