import assert from 'node:assert/strict';
import { createLogger } from '../../../common/logger.js';
import type { CodecName } from '../../../channelserver/forward/codecs.js';
import { DownTrack } from '../../../channelserver/forward/down_track.js';
import { ReceivingLines } from '../../../channelserver/forward/receiving_lines.js';
import { parseSdp } from '../../../webrtc/sdp/parse_sdp.js';
import type { SdpMedia } from '../../../webrtc/sdp/description.js';
import { UpTrack } from '../../../channelserver/forward/up_track.js';

const logger = createLogger('test', 'silent');
let ssrc = 1;

function track(id: string, name: CodecName = 'VP8'): DownTrack {
  const clockRate = name === 'opus' ? 48_000 : 90_000;
  const source = new UpTrack({ codec: { name, payloadType: 50, clockRate, fmtp: '' }, rids: [] }, logger);
  const nothing = (): void => undefined;
  return new DownTrack({ source, streamId: `PA|${id}`, trackId: id, ssrc: ssrc++, send: nothing, sendRtcp: nothing });
}

/** m-lines that a client offers to receive on: "video VP8", "audio opus"; the mid is the place. */
function offer(...lines: string[]): SdpMedia[] {
  const media = lines.flatMap((line, mid) => {
    const [kind = '', codec = ''] = line.split(' ');
    return [
      `m=${kind} 9 UDP/TLS/RTP/SAVPF 100`,
      `a=mid:${mid}`,
      'a=recvonly',
      `a=rtpmap:100 ${codec}/${kind === 'audio' ? 48_000 : 90_000}`,
    ];
  });
  return [...parseSdp(['v=0', ...media].join('\n')).media];
}

describe('The m-lines on which the client of a single connection receives', () => {
  /** As the connection does it: the answer to an offer. */
  const answer = (lines: ReceivingLines, media: SdpMedia[]): string[] => {
    lines.offered(media);
    const sections = media.map((each) => lines.section(each));
    lines.answered();
    return sections.map(({ direction, sent }) => `${direction} ${sent?.trackId ?? ''}`.trim());
  };

  it('take the tracks in their order, by kind, with the payload type of the offer', () => {
    const lines = new ReceivingLines(10);
    for (const down of [track('A', 'opus'), track('V1'), track('V2')]) assert.ok(lines.add(down));
    const media = offer('video VP8', 'audio opus', 'video VP8', 'video VP8');
    assert.deepEqual(answer(lines, media), ['sendonly V1', 'sendonly A', 'sendonly V2', 'inactive']);
    assert.equal(lines.section(media[0] ?? assert.fail()).codecs[0]?.payloadType, 100);
    assert.deepEqual(lines.trackIds(), { 0: 'V1', 1: 'A', 2: 'V2' });
    assert.deepEqual(lines.missing(), { audios: 0, videos: 0 });
  });

  it('are asked for where tracks wait for one, as many as are missing of each kind', () => {
    const lines = new ReceivingLines(10);
    for (const down of [track('A', 'opus'), track('V1'), track('V2'), track('V3')]) lines.add(down);
    answer(lines, offer('video VP8'));
    assert.equal(lines.waiting, 3);
    assert.deepEqual(lines.missing(), { audios: 1, videos: 2 });
    answer(lines, offer('video VP8', 'audio opus', 'video VP8', 'video VP8'));
    assert.equal(lines.waiting, 0);
  });

  it('are used again only when an answer had them inactive, and not by the track that was there before', () => {
    const lines = new ReceivingLines(10);
    const first = track('V1');
    lines.add(first);
    const media = offer('video VP8');
    answer(lines, media);
    assert.ok(lines.remove(first), 'the client has to hear of it');
    lines.add(track('V2'));
    assert.deepEqual(lines.missing(), { audios: 0, videos: 1 });
    assert.deepEqual(answer(lines, media), ['inactive']);
    assert.deepEqual(lines.missing(), { audios: 0, videos: 0 });
    assert.deepEqual(answer(lines, media), ['sendonly V2']);
    const second = new ReceivingLines(10);
    second.add(first);
    answer(second, media);
    second.remove(first);
    answer(second, media);
    second.add(track('V1'));
    assert.deepEqual(second.missing(), { audios: 0, videos: 1 }, 'its own m-line is not taken for free');
  });

  it('give a track back its own m-line when there can be no more', () => {
    const lines = new ReceivingLines(1);
    const media = offer('video VP8');
    const first = track('V1');
    lines.add(first);
    assert.equal(lines.add(track('V2')), false, 'there is no more room');
    answer(lines, media);
    lines.remove(first);
    answer(lines, media);
    lines.add(track('V1'));
    assert.deepEqual(answer(lines, media), ['sendonly V1']);
  });

  it('refuse a track whose codec the client does not have', () => {
    const lines = new ReceivingLines(10);
    const other = track('H', 'H264');
    lines.add(other);
    assert.deepEqual(lines.offered(offer('audio opus')), [], 'no m-line of its kind says nothing yet');
    assert.deepEqual(lines.offered(offer('audio opus', 'video VP8')), [other]);
    assert.equal(lines.waiting, 0);
  });

  it('that the client gives up leave their track waiting for another one', () => {
    const lines = new ReceivingLines(10);
    lines.add(track('V1'));
    answer(lines, offer('video VP8'));
    lines.offered([]);
    lines.answered();
    assert.deepEqual(lines.missing(), { audios: 0, videos: 1 });
  });
});
