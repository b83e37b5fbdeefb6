import assert from 'node:assert/strict';
import type { SdpMedia } from '../../../webrtc/sdp/description.js';
import { MAX_SDP_BYTES, parseSdp } from '../../../webrtc/sdp/parse_sdp.js';
import { transportOf } from '../../../webrtc/sdp/transport_of.js';
import { writeSdp } from '../../../webrtc/sdp/write_sdp.js';
import { VIDEO_SECTION } from '../../support/video_offer.js';

const OFFER = [
  'v=0',
  'o=- 1 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 7 8',
  'a=fingerprint:sha-256 AA:BB',
  'a=setup:actpass',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'a=mid:7',
  'a=ice-ufrag:user',
  'a=ice-pwd:password',
  'a=sctp-port:5000',
  'a=max-message-size:1000',
  ...VIDEO_SECTION,
  '',
].join('\r\n');

function video(): SdpMedia {
  const [, media] = parseSdp(OFFER).media;
  assert.ok(media !== undefined);
  return media;
}

describe('A session description', () => {
  it('is read: m-lines, transport, simulcast, SSRCs without those of retransmissions', () => {
    const sdp = parseSdp(OFFER);
    assert.deepEqual(sdp.bundle, ['7', '8']);
    const [data] = sdp.media;
    assert.equal(data?.kind, 'application');
    assert.equal(data.maxMessageBytes, 1000);
    assert.deepEqual(data.fingerprints, [{ algorithm: 'sha-256', value: 'AA:BB' }], 'from the session');
    const media = video();
    assert.deepEqual(
      [media.mid, media.direction, media.streamId, media.trackId, media.setup],
      ['8', 'sendonly', 'stream', 'track', 'actpass'],
    );
    assert.deepEqual(media.simulcast, ['q', 'h']);
    assert.deepEqual(media.rids, ['q', 'h']);
    assert.deepEqual(media.ssrcs, [11]);
    assert.deepEqual(media.candidates, ['1 1 udp 2 127.0.0.1 5 typ host']);
    assert.deepEqual(media.codecs[3]?.feedback, ['nack pli']);
  });

  const bad = [
    { title: 'empty', text: '' },
    { title: 'not SDP', text: 'hello\nworld' },
    { title: 'without version', text: 's=-\r\nv=0\r\n' },
    { title: 'too long', text: 'v=0\r\n' + 'a=x\r\n'.repeat(MAX_SDP_BYTES / 4) },
    { title: 'of too many m-lines', text: 'v=0\r\n' + 'm=audio 9 x 0\r\n'.repeat(300) },
  ];
  for (const { title, text } of bad) it(`that is ${title} is refused`, () => assert.throws(() => parseSdp(text)));

  it('that we write can be read again', () => {
    const local = {
      usernameFragment: 'u',
      password: 'p',
      fingerprint: { algorithm: 'sha-256', value: 'CC' },
      candidates: ['1 1 udp 1 127.0.0.1 9 typ host'],
    };
    const codec = { name: 'opus', payloadType: 111, clockRate: 48_000, fmtp: 'useinbandfec=1' } as const;
    const text = writeSdp({
      sessionId: '1',
      version: 1,
      setup: 'passive',
      local,
      sections: [
        { kind: 'application', mid: '0' },
        {
          kind: 'audio',
          mid: '1',
          direction: 'sendonly',
          codecs: [codec],
          extensions: [],
          sent: { streamId: 'PA_1|TR_1', trackId: 'TR_1', ssrcs: [5], cname: 'c' },
        },
        { kind: 'video', mid: '2', direction: 'inactive', codecs: [], extensions: [] },
      ],
    });
    const sdp = parseSdp(text);
    assert.deepEqual(sdp.bundle, ['0', '1'], 'without the refused one');
    assert.deepEqual(
      sdp.media.map(({ kind, mid, port, direction }) => [kind, mid, port, direction]),
      [
        ['application', '0', 9, 'sendrecv'],
        ['audio', '1', 9, 'sendonly'],
        ['video', '2', 0, 'inactive'],
      ],
    );
    assert.equal(sdp.media[1]?.streamId, 'PA_1|TR_1');
    assert.deepEqual(sdp.media[1].ssrcs, [5]);
    assert.equal(sdp.media[1].setup, 'passive');
  });

  it('tells of the one transport of its bundle, whatever its line ends and where it is said', () => {
    for (const text of [OFFER, OFFER.replaceAll('\r\n', '\n')])
      assert.deepEqual(transportOf(parseSdp(text)), {
        usernameFragment: 'user',
        password: 'password',
        lite: false,
        fingerprints: [{ algorithm: 'sha-256', value: 'AA:BB' }],
        setup: 'actpass',
        candidates: ['1 1 udp 2 127.0.0.1 5 typ host'],
        sctp: { port: 5000, maxMessageBytes: 1000 },
      });
    assert.ok(transportOf(parseSdp(OFFER.replace('s=-', 's=-\r\na=ice-lite'))).lite);
  });

  it('of which no transport can be made says why', () => {
    assert.throws(() => transportOf(parseSdp('v=0')), /no media/);
    assert.throws(() => transportOf(parseSdp(OFFER.replaceAll(/a=ice-pwd.*/g, 'a=x'))), /no ICE credentials/);
    assert.throws(() => transportOf(parseSdp(OFFER.replace(/a=fingerprint.*/, 'a=x'))), /no DTLS fingerprint/);
  });

  it('of ours names simulcast layers instead of SSRCs, and trickles where it has no candidates', () => {
    const local = { usernameFragment: 'u', password: 'p', fingerprint: { algorithm: 'sha-256', value: 'CC' } };
    const codec = { name: 'H264', payloadType: 96, clockRate: 90_000, fmtp: '', feedback: ['nack', 'nack pli'] };
    const sent = { streamId: 's', trackId: 't', cname: 'c', ssrcs: [1, 2], rids: ['q', 'h'] };
    const section = { kind: 'video', mid: '1', direction: 'sendonly', codecs: [codec], extensions: [], sent } as const;
    const text = writeSdp({ sessionId: '1', version: 1, setup: 'actpass', local, sections: [section] });
    const [media] = parseSdp(text).media;
    assert.deepEqual([media?.rids, media?.simulcast, media?.ssrcs], [['q', 'h'], ['q', 'h'], []]);
    assert.deepEqual(media?.codecs[0]?.feedback, ['nack', 'nack pli']);
    assert.match(text, /a=ice-options:trickle/);
  });
});
