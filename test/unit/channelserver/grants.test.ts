import assert from 'node:assert/strict';
import { TrackSource } from '@livekit/protocol';
import { grantsOf, mayPublish, permissionOf } from '../../../channelserver/room/grants.js';

const BASE = { sub: 'alice', video: { roomJoin: true, room: 'r' } };

describe('Grants of a token', () => {
  it('allow publishing, subscribing and data when nothing is said, but not own metadata', () => {
    const grants = grantsOf(BASE);
    assert.deepEqual(
      [grants.canPublish, grants.canSubscribe, grants.canPublishData, grants.canUpdateOwnMetadata, grants.hidden],
      [true, true, true, false, false],
    );
  });

  it('take data permission from publishing when only that is said', () => {
    const silent = grantsOf({ ...BASE, video: { ...BASE.video, canPublish: false } });
    assert.equal(silent.canPublishData, false);
    const talking = grantsOf({ ...BASE, video: { ...BASE.video, canPublish: false, canPublishData: true } });
    assert.equal(talking.canPublishData, true);
  });

  const lacking = [
    { title: 'roomJoin', claims: { sub: 'a', video: { room: 'r' } }, says: /roomJoin/ },
    { title: 'roomJoin as a boolean', claims: { sub: 'a', video: { roomJoin: 'true', room: 'r' } }, says: /roomJoin/ },
    { title: 'a room', claims: { sub: 'a', video: { roomJoin: true } }, says: /no room/ },
    { title: 'an identity', claims: { video: { roomJoin: true, room: 'r' } }, says: /no identity/ },
    { title: 'a video grant', claims: { sub: 'a' }, says: /roomJoin/ },
  ];
  for (const { title, claims, says } of lacking)
    it(`are refused without ${title}`, () => assert.throws(() => grantsOf(claims), says));

  it('limit publishing to the sources that are named, as names or numbers', () => {
    const grants = grantsOf({
      ...BASE,
      video: { ...BASE.video, canPublishSources: ['microphone', 'SCREEN_SHARE', TrackSource.CAMERA, 'nonsense', 99] },
    });
    assert.equal(mayPublish(grants, TrackSource.MICROPHONE), true);
    assert.equal(mayPublish(grants, TrackSource.SCREEN_SHARE), true);
    assert.equal(mayPublish(grants, TrackSource.CAMERA), true);
    assert.equal(mayPublish(grants, TrackSource.SCREEN_SHARE_AUDIO), false);
    const none = grantsOf({ ...BASE, video: { ...BASE.video, canPublish: false } });
    assert.equal(mayPublish(none, TrackSource.CAMERA), false);
  });

  it('keep attributes that are texts and nothing else', () => {
    const grants = grantsOf({ ...BASE, attributes: { a: '1', b: 2, c: null }, metadata: 5, name: 'A' });
    assert.deepEqual(grants.attributes, { a: '1' });
    assert.equal(grants.metadata, '');
    assert.equal(grants.name, 'A');
  });

  it('become the permission that others see', () => {
    const permission = permissionOf(grantsOf({ ...BASE, video: { ...BASE.video, hidden: true, canSubscribe: false } }));
    assert.deepEqual([permission.hidden, permission.canSubscribe, permission.canPublish], [true, false, true]);
  });
});
