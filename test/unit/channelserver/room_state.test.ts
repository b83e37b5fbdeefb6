import assert from 'node:assert/strict';
import {
  AddTrackRequest,
  DataPacket,
  DisconnectReason,
  ParticipantInfo_State,
  SimulcastCodec,
  TrackType,
  UserPacket,
  VideoLayer,
  VideoQuality,
} from '@livekit/protocol';
import { parseLimits } from '../../../channelserver/command_line.js';
import { DEFAULT_LIMITS } from '../../../channelserver/limits.js';
import { UpTrack } from '../../../channelserver/forward/up_track.js';
import { addressees, stampSender } from '../../../channelserver/room/data_routing.js';
import { grantsOf } from '../../../channelserver/room/grants.js';
import { newSid } from '../../../channelserver/room/ids.js';
import { ParticipantState } from '../../../channelserver/room/participant_state.js';
import { Publication } from '../../../channelserver/room/publication.js';
import { subscribedQualities } from '../../../channelserver/room/subscribed_qualities.js';
import { createLogger } from '../../../common/logger.js';

const logger = createLogger('test', 'silent');
const state = (): ParticipantState =>
  new ParticipantState(
    grantsOf({ sub: 'alice', name: 'A', attributes: { a: '1' }, video: { roomJoin: true, room: 'r' } }),
    1_700_000_000_123,
    0,
  );

describe("A participant's state", () => {
  it('counts its version up with every change', () => {
    const alice = state();
    const versions = [alice.info().version];
    alice.becameActive();
    versions.push(alice.info().version);
    alice.update({ name: 'B', metadata: '', attributes: {} });
    versions.push(alice.info().version);
    alice.left(DisconnectReason.CLIENT_INITIATED);
    versions.push(alice.info().version);
    assert.ok(versions.every((version, index) => index === 0 || version > (versions[index - 1] ?? 0)));
    assert.equal(alice.info().state, ParticipantInfo_State.DISCONNECTED);
    assert.equal(alice.info().joinedAtMs, 1_700_000_000_123n);
  });

  it('becomes active once', () => {
    const alice = state();
    assert.equal(alice.becameActive(), true);
    assert.equal(alice.becameActive(), false);
  });

  it('changes only the attributes that are named and removes those that are empty', () => {
    const alice = state();
    alice.update({ name: '', metadata: 'm', attributes: { b: '2' } });
    assert.deepEqual(alice.info().attributes, { a: '1', b: '2' });
    alice.update({ name: '', metadata: '', attributes: { a: '' } });
    assert.deepEqual(alice.info().attributes, { b: '2' });
    assert.equal(alice.info().metadata, 'm');
    assert.equal(alice.info().name, 'A');
  });

  it('knows its size before it changes', () => {
    assert.equal(state().sizeAfter({ name: 'BB', metadata: 'mmm', attributes: { c: 'dd' } }), 2 + 3 + 2 + 3);
  });
});

describe('A published track', () => {
  const request = new AddTrackRequest({
    cid: 'c',
    type: TrackType.VIDEO,
    width: 1280,
    height: 720,
    layers: [
      new VideoLayer({ quality: VideoQuality.HIGH, width: 1280, height: 720 }),
      new VideoLayer({ quality: VideoQuality.LOW, width: 320, height: 180 }),
    ],
    simulcastCodecs: [new SimulcastCodec({ codec: 'h264', cid: 'c' })],
  });
  const codec = { name: 'H264', payloadType: 102, clockRate: 90_000, fmtp: '' } as const;

  it('is shown to others only when an m-line carries it', () => {
    const alice = state();
    const publication = new Publication(request);
    alice.publications.set(publication.sid, publication);
    assert.equal(alice.info().tracks.length, 0);
    assert.equal(publication.info.mimeType, 'video/H264');
    const media = { mid: '3', codec, rids: ['f', 'q'] };
    publication.bound(new UpTrack(media, logger), media);
    const [track] = alice.info().tracks;
    assert.equal(track?.mid, '3');
    assert.equal(track.simulcast, true);
    assert.deepEqual(
      track.layers.map(({ rid, quality, width }) => [rid, quality, width]),
      [
        ['q', VideoQuality.LOW, 320],
        ['f', VideoQuality.HIGH, 1280],
      ],
    );
  });

  it('tells whether a mute changed anything', () => {
    const publication = new Publication(request);
    assert.equal(publication.setMuted(false), false);
    assert.equal(publication.setMuted(true), true);
    assert.equal(publication.setMuted(true), false);
  });
});

describe('Data packets', () => {
  const alice = { identity: 'alice', sid: 'PA_a', hidden: false };
  const bob = { identity: 'bob', sid: 'PA_b', hidden: false };
  const carol = { identity: 'carol', sid: 'PA_c', hidden: false };
  const all = [alice, bob, carol];
  const user = (fields: Partial<UserPacket>): DataPacket =>
    new DataPacket({ value: { case: 'user', value: new UserPacket(fields) } });

  it('go to everybody but the sender, or to those who are named', () => {
    assert.deepEqual(addressees(user({}), alice, all), [bob, carol]);
    assert.deepEqual(addressees(user({ destinationIdentities: ['carol'] }), alice, all), [carol]);
    assert.deepEqual(addressees(user({ destinationSids: ['PA_b'] }), alice, all), [bob]);
    assert.deepEqual(addressees(new DataPacket({ destinationIdentities: ['bob', 'alice'] }), alice, all), [bob]);
    assert.deepEqual(addressees(user({ destinationIdentities: ['nobody'] }), alice, all), []);
  });

  it('bear the name of who really sent them, and none when the sender is hidden', () => {
    const packet = user({ participantIdentity: 'forged', participantSid: 'PA_x' });
    stampSender(packet, alice);
    assert.equal(packet.participantIdentity, 'alice');
    assert.ok(packet.value.case === 'user');
    assert.equal(packet.value.value.participantSid, 'PA_a');
    stampSender(packet, { ...alice, hidden: true });
    assert.equal(packet.participantSid, '');
    assert.equal(packet.value.value.participantIdentity, '');
  });
});

describe('What a publisher is told of its layers', () => {
  const rows = [
    { layers: 3, highest: 2, enabled: [true, true, true] },
    { layers: 3, highest: 0, enabled: [true, false, false] },
    { layers: 3, highest: -1, enabled: [false, false, false] },
    { layers: 2, highest: 1, enabled: [true, true, true] },
    { layers: 2, highest: 0, enabled: [true, false, false] },
    { layers: 1, highest: 0, enabled: [true, true, true] },
    { layers: 1, highest: -1, enabled: [false, false, false] },
  ];
  for (const { layers, highest, enabled } of rows)
    it(`enables low, medium, high as ${enabled.join()} when layer ${highest} of ${layers} is the highest wanted`, () => {
      const update = subscribedQualities('TR_1', 'VP8', layers, highest);
      assert.deepEqual(
        update.subscribedQualities.map((quality) => quality.enabled),
        enabled,
      );
      assert.equal(update.subscribedCodecs[0]?.codec, 'vp8');
    });
});

describe('Ids and limits', () => {
  it('have a prefix and 12 characters, never the same twice', () => {
    const sids = Array.from({ length: 200 }, () => newSid('TR'));
    assert.ok(sids.every((sid) => /^TR_[2-9A-HJ-NP-Za-km-z]{12}$/.test(sid)));
    assert.equal(new Set(sids).size, 200);
  });

  it('are read from name=number, everything else is refused with what is allowed', () => {
    assert.deepEqual(parseLimits([]), DEFAULT_LIMITS);
    assert.equal(parseLimits(['rooms=3', 'rooms=4']).rooms, 4);
    assert.throws(() => parseLimits(['room=3']), /no limit "room"; there are rooms/);
    assert.throws(() => parseLimits(['rooms=0']), /at least 1/);
    assert.throws(() => parseLimits(['rooms']), /whole number/);
    assert.throws(() => parseLimits(['toString=3']), /no limit/);
  });
});
