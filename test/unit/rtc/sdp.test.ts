import assert from 'node:assert/strict';
import { OfferedSections, readAnswer } from '../../../coreservice/rtc/sdp/offered_sections.js';
import { answerSections, receivedSections } from '../../../coreservice/rtc/sdp/received_sections.js';
import { parseSdp } from '../../../webrtc/sdp/parse_sdp.js';
import { transportOf } from '../../../webrtc/sdp/transport_of.js';
import { writeSdp, type Section } from '../../../webrtc/sdp/write_sdp.js';

/** As it goes over the wire. */
function written(sections: readonly Section[]): string {
  const fingerprint = { algorithm: 'sha-256', value: 'AA:BB' };
  const local = { usernameFragment: 'ufrag', password: 'a-password-of-ice-000000', fingerprint };
  return writeSdp({ sessionId: '1', version: 1, setup: 'actpass', local, sections });
}

/** As livekit-server 1.9 offers: many codecs, H264 in both modes, no mid extension, msid by SSRC. */
const OFFER = `v=0
o=- 1 2 IN IP4 0.0.0.0
s=-
t=0 0
a=fingerprint:sha-256 26:3C
a=group:BUNDLE 0 1 2 3
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=setup:actpass
a=mid:0
a=sctp-port:5000
a=ice-ufrag:their
a=ice-pwd:their-password-000000000
a=candidate:1 1 udp 2130706431 127.0.0.1 51034 typ host
m=video 9 UDP/TLS/RTP/SAVPF 96 97 125 108 35
a=mid:1
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:125 H264/90000
a=fmtp:125 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f
a=rtpmap:108 H264/90000
a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:35 AV1/90000
a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:5 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:9 https://example.org/unknown
a=ssrc:1409563727 cname:x
a=ssrc:1409563727 msid:PA_x|TR_video TR_video
a=sendrecv
m=audio 9 UDP/TLS/RTP/SAVPF 111 0
a=mid:2
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:0 PCMU/8000
a=ssrc:37 cname:x
a=msid:PA_x|TR_audio TR_audio
a=sendonly
m=video 9 UDP/TLS/RTP/SAVPF 35
a=mid:3
a=rtpmap:35 AV1/90000
a=msid:PA_y|TR_av1 TR_av1
a=sendonly
`;

describe("a server's offer", () => {
  it('is one bundle with the transport of its data section', () => {
    const offer = parseSdp(OFFER);
    const { usernameFragment, candidates, fingerprints } = transportOf(offer);
    assert.equal(usernameFragment, 'their');
    assert.equal(candidates.length, 1);
    assert.deepEqual(fingerprints, [{ algorithm: 'sha-256', value: '26:3C' }]);
    assert.deepEqual(
      offer.media.map(({ mid, kind }) => `${mid} ${kind}`),
      ['0 application', '1 video', '2 audio', '3 video'],
    );
  });

  it('tells which tracks come, by SSRC and payload type', () => {
    const [video, audio, ...others] = receivedSections(parseSdp(OFFER));
    assert.deepEqual(others, []);
    assert.equal(video?.trackSid, 'TR_video');
    assert.deepEqual(video.ssrcs, [1409563727]);
    assert.deepEqual(
      [...video.codecs],
      [
        [96, 'vp8'],
        [108, 'h264'],
      ],
    );
    assert.equal(video.nack, true);
    assert.equal(video.transportCcId, 5);
    assert.equal(audio?.trackSid, 'TR_audio');
    assert.equal(audio.nack, false);
  });

  it('tells by its mids which tracks come where it does not name them', () => {
    const nameless = OFFER.replaceAll(/TR_\w+/g, 'x');
    assert.deepEqual(receivedSections(parseSdp(nameless)), []);
    const [video] = receivedSections(parseSdp(nameless), { 1: 'TR_by_mid' });
    assert.deepEqual([video?.mid, video?.trackSid], ['1', 'TR_by_mid']);
  });

  it('is answered with what we can receive and a rejection of the rest', () => {
    const answer = parseSdp(written(answerSections(parseSdp(OFFER))));
    assert.deepEqual(
      answer.media.map(({ mid, port, direction }) => `${mid} ${port} ${direction}`),
      ['0 9 sendrecv', '1 9 recvonly', '2 9 recvonly', '3 0 inactive'],
    );
    const video = answer.media[1];
    assert.deepEqual(
      video?.codecs.map((codec) => codec.payloadType),
      [96, 108],
    );
    assert.deepEqual(video.codecs[0]?.feedback, ['nack', 'nack pli']);
    assert.deepEqual(
      video.extensions.map(({ id }) => id),
      [3, 5],
    );
    assert.match(written(answerSections(parseSdp(OFFER))), /a=group:BUNDLE 0 1 2\r\n/);
  });
});

describe('our offer', () => {
  const section = { kind: 'video', cid: 'cid-1', ssrcs: [11, 12], rids: ['q', 'h'], stereo: false } as const;

  it('names simulcast layers instead of SSRCs, and a single stream by its SSRC', () => {
    const sections = new OfferedSections('PA_me');
    sections.add(section);
    sections.add({ ...section, cid: 'cid-2', ssrcs: [21], rids: [''] });
    const text = written(sections.sections());
    assert.match(text, /a=rid:q send\r\na=rid:h send\r\na=simulcast:send q;h\r\n/);
    assert.match(text, /a=msid:PA_me cid-1\r\n/);
    assert.match(text, /a=ssrc:21 cname:PA_me\r\n/);
    assert.doesNotMatch(text, /a=ssrc:11 /);
  });

  it('keeps the m-lines of ended tracks, inactive and without a source', () => {
    const sections = new OfferedSections('PA_me');
    const mid = sections.add(section);
    sections.end(mid);
    sections.add({ kind: 'audio', cid: 'cid-3', ssrcs: [31], rids: [], stereo: true });
    const offer = parseSdp(written(sections.sections()));
    assert.deepEqual(
      offer.media.map(({ direction }) => direction),
      ['sendrecv', 'inactive', 'sendonly'],
    );
    assert.equal(offer.media[1]?.trackId, '');
    assert.match(offer.media[2]?.codecs[0]?.fmtp ?? '', /stereo=1/);
  });

  it('has m-lines to receive on between its own, with every codec that we can receive, and none after the last one possible', () => {
    const sections = new OfferedSections('PA_me');
    sections.addReceiving('video');
    const mid = sections.add(section);
    sections.addReceiving('audio');
    const offer = parseSdp(written(sections.sections()));
    assert.deepEqual(
      offer.media.map(({ direction, codecs }) => `${direction} ${codecs.map(({ name }) => name).join()}`.trim()),
      ['sendrecv', 'recvonly H264,VP8', 'sendonly H264', 'recvonly opus'],
    );
    assert.deepEqual(
      ['1', mid, '3', '4'].map((each) => sections.receives(each)),
      [true, false, true, false],
    );
    let more = 0;
    while (sections.addReceiving('audio')) more += 1;
    assert.ok(more > 200 && more < 256, `${more}`);
  });

  it('learns payload type and extensions from the answer, or that the track is rejected', () => {
    const sections = new OfferedSections('PA_me');
    const mid = sections.add(section);
    const text = written(sections.sections());
    const answered = readAnswer(parseSdp(text), mid);
    assert.equal(answered.payloadType, 96);
    assert.equal(answered.extensions.get('urn:ietf:params:rtp-hdrext:sdes:mid'), 1);
    assert.throws(() => readAnswer(parseSdp(text.replace('m=video 9', 'm=video 0')), mid), /rejected/);
    assert.throws(() => readAnswer(parseSdp(text.replace('H264/', 'VP9/')), mid), /does not accept h264/);
    assert.throws(() => readAnswer(parseSdp(text), '7'), /rejected/);
  });
});
