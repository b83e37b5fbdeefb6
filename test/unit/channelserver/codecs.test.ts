import assert from 'node:assert/strict';
import { chooseCodec, codecNameOf, forwardable, mimeTypeOf } from '../../../channelserver/forward/codecs.js';
import type { SdpMedia } from '../../../webrtc/sdp/description.js';
import { parseSdp } from '../../../webrtc/sdp/parse_sdp.js';
import { VIDEO_SECTION } from '../../support/video_offer.js';

const OFFER = ['v=0', ...VIDEO_SECTION, ''].join('\r\n');

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
