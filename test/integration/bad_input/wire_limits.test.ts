import assert from 'node:assert/strict';
import { Client, credentials, status, type ServiceDefinition } from '@grpc/grpc-js';
import type { AlirtcStatusError } from '../../../client/index.js';
import { ErrorCode } from '../../../client/index.js';
import { grpcTarget } from '../../../client/address.js';
import { toStatusError } from '../../../client/status_error.js';
import { EngineServiceService } from '../../../gen/alirtc/v1/engine.js';
import { EventServiceService } from '../../../gen/alirtc/v1/events.js';
import { MediaServiceService } from '../../../gen/alirtc/v1/media.js';
import { NodeServiceService } from '../../../gen/alirtc/v1/node.js';
import { TokenServiceService } from '../../../gen/alirtc/v1/token.js';
import { eventOf, refused } from './refused.js';
import { TestBed } from './test_bed.js';

/** gRPC's C library refuses trailers of more than 8 kB by default; names and other headers need their part. */
const MAX_TRAILER_BYTES = 7_500;
const SERVICES: ServiceDefinition[] = [
  EngineServiceService,
  EventServiceService,
  MediaServiceService,
  NodeServiceService,
  TokenServiceService,
];
const HANDLER = '/alirtc.v1.EventService/GetEventHandler';
/** A unary call with those bytes as its message. */
function rawCall(client: Client, method: string, bytes: Buffer): Promise<AlirtcStatusError> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + 10_000;
    const asIs = (message: Buffer): Buffer => message;
    client.makeUnaryRequest(method, asIs, asIs, bytes, { deadline }, (error) =>
      error === null ? reject(new Error('was accepted')) : resolve(toStatusError(error)),
    );
  });
}

function percentEncodedBytes(text: string): number {
  return [...Buffer.from(text)].reduce((sum, byte) => sum + (byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? 1 : 3), 0);
}

describe('bad input: texts and numbers at the limits of the wire', function () {
  this.timeout(20_000);
  let bed: TestBed;
  let client: Client;
  before(async () => {
    bed = await TestBed.open();
    client = new Client(grpcTarget(bed.daemon.address), credentials.createInsecure());
  });
  after(async () => {
    client.close();
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

  it('an event number beyond 2^53 is OUT_OF_RANGE, and says so', async () => {
    await using engine = await bed.engine();
    const id = Buffer.from(engine.engineId);
    // Field 1: the id; field 2: a varint of 2^63.
    const varint = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
    const request = Buffer.concat([Buffer.from([0x0a, id.length]), id, Buffer.from([0x10, ...varint])]);
    await refused(Promise.reject(await rawCall(client, HANDLER, request)), {
      code: status.OUT_OF_RANGE,
      reason: 'NUMBER_OUT_OF_RANGE',
    });
  });

  it('bytes that are no message are INVALID_ARGUMENT in every method, and say so', async () => {
    for (const service of SERVICES)
      for (const [name, { path }] of Object.entries(service)) {
        // Field 1 of a length that the message does not have.
        const error = await rawCall(client, path, Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f]));
        await refused(Promise.reject(error), {
          code: status.INVALID_ARGUMENT,
          reason: 'MALFORMED_REQUEST',
        }).catch((thrown: unknown) => assert.fail(`${name}: ${String(thrown)}`));
      }
  });
});
