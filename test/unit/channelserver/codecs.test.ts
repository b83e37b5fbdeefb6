import assert from 'node:assert/strict';
import { chooseCodec, codecNameOf, forwardable, mimeTypeOf } from '../../../channelserver/forward/codecs.js';
import type { SdpMedia } from '../../../webrtc/sdp/description.js';
import { parseSdp } from '../../../webrtc/sdp/parse_sdp.js';

const OFFER = [
  'v=0',
  'm=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101',
  'a=mid:8',
  'a=ice-ufrag:user',
  'a=ice-pwd:password',
  'a=sendonly',
  'a=msid:stream track',
  'a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=rtpmap:96 VP9/90000',
  'a=rtpmap:97 H264/90000',
  'a=fmtp:97 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f',
  'a=rtpmap:98 H264/90000',
  'a=fmtp:98 packetization-mode=1; profile-level-id=42e01f',
  'a=rtpmap:99 VP8/90000',
  'a=rtcp-fb:99 nack pli',
  'a=rtpmap:100 rtx/90000',
  'a=fmtp:100 apt=99',
  'a=rtpmap:101 H264/90000',
  'a=fmtp:101 packetization-mode=1;profile-level-id=640c1f',
  'a=rid:q send',
  'a=rid:h send',
  'a=simulcast:send q;~h',
  'a=ssrc-group:FID 11 12',
  'a=ssrc:11 cname:x',
  'a=ssrc:12 cname:x',
  'a=candidate:1 1 udp 2 127.0.0.1 5 typ host',
  '',
].join('\r\n');

function video(): SdpMedia {
  const [media] = parseSdp(OFFER).media;
  assert.ok(media !== undefined);
  return media;
}

describe('The codecs of an m-line', () => {
  it('that can be forwarded come once each, H264 with the packetization mode and profile that everybody takes', () => {
    const codecs = forwardable('video', video().codecs);
    assert.deepEqual(
      codecs.map(({ name, payloadType }) => [name, payloadType]),
      [
        ['H264', 98],
        ['VP8', 99],
      ],
    );
    assert.equal(codecs[0]?.fmtp, 'packetization-mode=1;profile-level-id=42e01f');
    assert.deepEqual(forwardable('audio', video().codecs), []);
  });

  it('are chosen by what was announced, else by the order of the offer', () => {
    const { codecs } = video();
    assert.equal(chooseCodec('video', codecs, 'VP8')?.payloadType, 99);
    assert.equal(chooseCodec('video', codecs, undefined)?.payloadType, 98);
    assert.equal(chooseCodec('video', codecs, 'opus')?.payloadType, 98);
    assert.equal(chooseCodec('video', [], 'VP8'), undefined);
  });

  it('are known by all the names that clients use', () => {
    assert.equal(codecNameOf('video/h264'), 'H264');
    assert.equal(codecNameOf('vp8'), 'VP8');
    assert.equal(codecNameOf('audio/OPUS'), 'opus');
    assert.equal(codecNameOf('av1'), undefined);
    assert.equal(mimeTypeOf('opus'), 'audio/opus');
    assert.equal(mimeTypeOf('VP8'), 'video/VP8');
  });
});
