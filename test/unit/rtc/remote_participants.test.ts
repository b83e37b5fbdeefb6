import assert from 'node:assert/strict';
import {
  ParticipantInfo,
  ParticipantInfo_State,
  ParticipantPermission,
  TrackInfo,
  TrackSource,
  TrackType,
} from '@livekit/protocol';
import { RemoteParticipants, type ParticipantChange } from '../../../coreservice/rtc/room/remote_participants.js';

type Fields = ConstructorParameters<typeof ParticipantInfo>[0];

function info(identity: string, fields: Fields = {}): ParticipantInfo {
  return new ParticipantInfo({ sid: `PA_${identity}`, identity, state: ParticipantInfo_State.ACTIVE, ...fields });
}

const camera = (fields: ConstructorParameters<typeof TrackInfo>[0] = {}): TrackInfo =>
  new TrackInfo({
    sid: 'TR_cam',
    type: TrackType.VIDEO,
    source: TrackSource.CAMERA,
    mimeType: 'video/H264',
    ...fields,
  });
const microphone = (): TrackInfo =>
  new TrackInfo({ sid: 'TR_mic', type: TrackType.AUDIO, source: TrackSource.MICROPHONE });

function told(changes: Iterable<ParticipantChange>): string[] {
  return [...changes].map((change) =>
    'publication' in change
      ? `${change.kind} ${change.participant.sid} ${change.publication.sid}`
      : `${change.kind} ${change.participant.sid}`,
  );
}

describe('the participants of a room', () => {
  it('are told of in the order of the server, a participant before its tracks', () => {
    const participants = new RemoteParticipants();
    const changes = told(participants.update([info('a', { tracks: [camera(), microphone()] }), info('b')], 'me'));
    assert.deepEqual(changes, [
      'participant_joined PA_a',
      'track_published PA_a TR_cam',
      'track_published PA_a TR_mic',
      'participant_joined PA_b',
    ]);
  });

  it('do not include oneself', () => {
    const participants = new RemoteParticipants();
    assert.deepEqual(told(participants.update([info('me')], 'me')), []);
    assert.equal(participants.byIdentity.size, 0);
  });

  it('lose their tracks before they leave', () => {
    const participants = new RemoteParticipants();
    told(participants.update([info('a', { tracks: [camera()] })], 'me'));
    const changes = told(participants.update([info('a', { state: ParticipantInfo_State.DISCONNECTED })], 'me'));
    assert.deepEqual(changes, ['track_unpublished PA_a TR_cam', 'participant_left PA_a']);
    assert.equal(participants.findTrack('TR_cam'), undefined);
  });

  it('change once for what is seen of them, and not for anything else', () => {
    const participants = new RemoteParticipants();
    told(participants.update([info('a', { attributes: { x: '1', y: '2' } })], 'me'));
    assert.deepEqual(
      told(participants.update([info('a', { attributes: { y: '2', x: '1' }, metadata: 'm' })], 'me')),
      [],
    );
    const permission = new ParticipantPermission({ canPublish: false });
    assert.deepEqual(told(participants.update([info('a', { permission })], 'me')), ['participant_changed PA_a']);
    assert.equal(participants.byIdentity.get('a')?.canPublish, false);
  });

  it('ignore updates that are older than what is known', () => {
    const participants = new RemoteParticipants();
    told(participants.update([info('a', { version: 5, name: 'new' })], 'me'));
    assert.deepEqual(told(participants.update([info('a', { version: 4, name: 'old' })], 'me')), []);
    assert.equal(participants.byIdentity.get('a')?.name, 'new');
  });

  it('who come back under the same identity leave first, and the late end of the first stay changes nothing', () => {
    const participants = new RemoteParticipants();
    told(participants.update([info('a', { sid: 'PA_1' })], 'me'));
    assert.deepEqual(told(participants.update([info('a', { sid: 'PA_2' })], 'me')), [
      'participant_left PA_1',
      'participant_joined PA_2',
    ]);
    const late = info('a', { sid: 'PA_1', state: ParticipantInfo_State.DISCONNECTED });
    assert.deepEqual(told(participants.update([late], 'me')), []);
  });

  it('that stopped publishing and changed within one update are told of without tracks before they are told of as changed', () => {
    const participants = new RemoteParticipants();
    told(participants.update([info('a', { tracks: [camera()], attributes: { role: 'interactive' } })], 'me'));
    const roles: (string | undefined)[] = [];
    for (const { kind, participant } of participants.update([info('a', { attributes: { role: 'live' } })], 'me'))
      roles.push(`${kind} ${participant.attributes['role']} ${participant.publications.size}`);
    assert.deepEqual(roles, ['track_unpublished interactive 0', 'participant_changed live 0']);
  });

  it('mute and unmute their tracks', () => {
    const participants = new RemoteParticipants();
    told(participants.update([info('a', { tracks: [camera()] })], 'me'));
    const changes = told(participants.update([info('a', { tracks: [camera({ muted: true })] })], 'me'));
    assert.deepEqual(changes, ['track_muted PA_a TR_cam']);
    assert.equal(participants.findTrack('TR_cam')?.publication.muted, true);
  });

  it('are compared with the whole list after a rejoin', () => {
    const participants = new RemoteParticipants();
    told(participants.update([info('a'), info('b', { tracks: [camera()] })], 'me'));
    const changes = told(participants.replace([info('b', { tracks: [camera(), microphone()] }), info('c')], 'me'));
    assert.deepEqual(changes, ['participant_left PA_a', 'track_published PA_b TR_mic', 'participant_joined PA_c']);
  });
});
