import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import {
  AddTrackRequest,
  ClientInfo,
  ConnectionSettings,
  JoinRequest,
  SessionDescription,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression as Compression,
} from '@livekit/protocol';
import {
  JoinRequestError,
  dualParameters,
  firstRequests,
  singleParameters,
} from '../../../channelserver/signal/join_parameters.js';
import { singleQuery } from '../../../coreservice/rtc/signal/join_request.js';

function query(
  joinRequest: Uint8Array,
  compression: Compression,
  encoding: BufferEncoding = 'base64url',
): URLSearchParams {
  const wrapped = new WrappedJoinRequest({ joinRequest, compression });
  return new URLSearchParams({ join_request: Buffer.from(wrapped.toBinary()).toString(encoding) });
}

describe('What a client says when it joins', () => {
  const request = new JoinRequest({
    clientInfo: new ClientInfo({ clientProtocol: 2 }),
    connectionSettings: new ConnectionSettings({ autoSubscribe: true }),
    metadata: 'm',
    participantAttributes: { a: '1' },
    addTrackRequests: [new AddTrackRequest({ cid: 'mic' })],
    publisherOffer: new SessionDescription({ type: 'offer', sdp: 'v=0', id: 1 }),
    reconnect: true,
    participantSid: 'PA_1',
  });

  it('on /rtc/v1 is in a join request, compressed or not, in either alphabet of base64', () => {
    const bytes = request.toBinary();
    for (const search of [
      query(bytes, Compression.NONE),
      query(gzipSync(bytes), Compression.GZIP),
      query(bytes, Compression.NONE, 'base64'),
    ]) {
      const { addTracks, offer, ...said } = singleParameters(search, 100_000);
      assert.deepEqual(said, {
        connections: 'single',
        autoSubscribe: true,
        clientProtocol: 2,
        reconnect: true,
        participantSid: 'PA_1',
        metadata: 'm',
        attributes: { a: '1' },
      });
      assert.equal(addTracks[0]?.cid, 'mic');
      assert.equal(offer?.sdp, 'v=0');
    }
  });

  it('on /rtc/v1 asks for tracks before it offers them', () => {
    const parameters = singleParameters(query(request.toBinary(), Compression.NONE), 100_000);
    assert.deepEqual(
      firstRequests(parameters).map(({ message }) => message.case),
      ['addTrack', 'offer'],
    );
  });

  it('on /rtc/v1 is refused when it is missing, broken, or too long unpacked', () => {
    const bomb = query(gzipSync(Buffer.alloc(200_000)), Compression.GZIP);
    const broken = query(Buffer.from('x'), Compression.GZIP);
    for (const search of [new URLSearchParams(), new URLSearchParams({ join_request: '!' }), bomb, broken])
      assert.throws(() => singleParameters(search, 100_000), JoinRequestError);
  });

  it('on /rtc is in the query; everything is subscribed unless it says no', () => {
    const said = dualParameters(new URLSearchParams('client_protocol=2&reconnect=1&sid=PA_1'));
    assert.deepEqual(
      [said.connections, said.autoSubscribe, said.clientProtocol, said.reconnect, said.participantSid],
      ['dual', true, 2, true, 'PA_1'],
    );
    assert.equal(dualParameters(new URLSearchParams('auto_subscribe=0')).autoSubscribe, false);
  });

  it('is understood as our core writes it', () => {
    const search = new URLSearchParams(singleQuery({ sdp: 'v=0\r\n'.repeat(1000), id: 1 }));
    assert.match(search.get('join_request') ?? '', /^[\w-]+=*$/, 'the alphabet for URLs');
    const { offer, autoSubscribe } = singleParameters(search, 100_000);
    assert.equal(offer?.id, 1);
    assert.equal(offer.sdp.length, 5000);
    assert.equal(autoSubscribe, false);
  });
});
