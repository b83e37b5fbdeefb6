import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { ErrorCode } from '../../../client/index.js';
import { eventOf, refused } from './refused.js';
import { TestBed } from './test_bed.js';

/** gRPC's C library refuses trailers of more than 8 kB by default; names and other headers need their part. */
const MAX_TRAILER_BYTES = 7_500;

function percentEncodedBytes(text: string): number {
  return [...Buffer.from(text)].reduce((sum, byte) => sum + (byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? 1 : 3), 0);
}

describe('bad input: texts and numbers at the limits of the wire', function () {
  this.timeout(20_000);
  let bed: TestBed;
  before(async () => {
    bed = await TestBed.open();
  });
  after(async () => {
    await bed[Symbol.asyncDispose]();
  });

  // Half a surrogate pair cannot be percent-encoded.
  for (const [title, channelid] of Object.entries({
    'half a surrogate pair': 'a\ud83d',
    'pairs that the limit cuts in the middle': '\u{1f600}'.repeat(2000),
    'pairs that the limit cuts in the middle, one further': `x${'\u{1f600}'.repeat(2000)}`,
  }))
    it(`a text with ${title} is told, and the daemon lives on`, async () => {
      await using engine = await bed.engine();
      await using events = engine.events();
      await eventOf(events, 'snapshot');
      const said = { appid: 'testapp', channelid, userid: 'me', nonce: '', timestamp: 1, token: '' };
      const token = Buffer.from(JSON.stringify(said)).toString('base64');
      await refused(engine.joinChannel({ token, channelId: 'c', userId: 'me' }, { deadlineMs: 3_000 }), {
        code: status.UNAUTHENTICATED,
        reason: 'ERR_JOIN_BAD_TOKEN',
        number: ErrorCode.JOIN_BAD_TOKEN,
        field: 'channel_id',
      });
      assert.equal((await eventOf(events, 'onJoinChannelResult')).value.result, ErrorCode.JOIN_BAD_TOKEN);
      const { processes } = await bed.client.nodeStatus();
      assert.equal(processes[0]?.processId, bed.pid);
    });

  it('an error text in Chinese fits the trailers that every gRPC client takes', async () => {
    await using engine = await bed.engine();
    const said = { appid: '应用', channelid: '频道'.repeat(1500), userid: 'me', nonce: '', timestamp: 1, token: '' };
    const token = Buffer.from(JSON.stringify(said)).toString('base64');
    const error = await refused(engine.joinChannel({ token, channelId: 'c', userId: 'me' }), {
      code: status.UNAUTHENTICATED,
      reason: 'ERR_JOIN_BAD_TOKEN',
      number: ErrorCode.JOIN_BAD_TOKEN,
      field: 'channel_id',
    });
    // The text travels twice: in grpc-message, and in base64 in the details.
    const bytes = percentEncodedBytes(error.message) + (Buffer.byteLength(error.message) * 4) / 3;
    assert.ok(bytes <= MAX_TRAILER_BYTES, `${Math.round(bytes)} bytes of trailers`);
  });
});
