import assert from 'node:assert/strict';
import { ERROR_NUMBERS } from '../../../common/error_codes.js';
import { settle } from './fake_clock.js';
import { COMMUNICATION, INTERACTIVE_LIVE, ScriptedEngine } from './scripted_engine.js';

/** An engine that publishes its sound, as a streamer. */
async function publishing(channelProfile: number): Promise<ScriptedEngine> {
  const host = new ScriptedEngine();
  if (channelProfile !== COMMUNICATION) host.send('SET_CLIENTROLE', { role: 0 });
  await host.join({ channelProfile, publishMode: 0 });
  host.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable: false });
  await settle();
  host.take();
  host.room.asked.splice(0);
  return host;
}

/** As a server does it: the tracks end, then the update comes. */
async function take(host: ScriptedEngine): Promise<void> {
  host.room.track('audio').emit('ended');
  host.room.emit('permission_changed', false);
  await settle();
}

describe('a server that lets a user publish no more', () => {
  it('makes a streamer audience: states, the failure, a warning, the role; others are told', async () => {
    const host = await publishing(INTERACTIVE_LIVE);
    await take(host);
    assert.deepEqual(host.lines(), [
      'warning PUBLISH_NOT_PERMITTED',
      'audio: Published>NoPublish',
      `error ${ERROR_NUMBERS.ERR_PUBLISH_AUDIO_STREAM_FAILED} ERR_PUBLISH_AUDIO_STREAM_FAILED`,
      'role 0>1',
    ]);
    assert.deepEqual(host.room.asked, ['attributes {"alirtc.role":"live","alirtc.profile":"1"}']);
    host.room.asked.splice(0);
    host.room.emit('permission_changed', true);
    host.send('SET_CLIENTROLE', { role: 0 });
    await settle();
    assert.deepEqual(host.room.asked, [
      'attributes {"alirtc.role":"interactive","alirtc.profile":"1"}',
      'publish audio',
    ]);
  });

  it('changes no role in the communication profile; what is wanted goes on when it is let again', async () => {
    const host = await publishing(COMMUNICATION);
    await take(host);
    const lines = host.lines();
    assert.ok(!lines.some((line) => line.startsWith('role')), lines.join('; '));
    host.room.emit('permission_changed', true);
    await settle();
    assert.deepEqual(host.room.asked, ['publish audio']);
  });

  it('says nothing to audience, whose role it follows', async () => {
    const host = new ScriptedEngine();
    await host.join({ channelProfile: INTERACTIVE_LIVE });
    host.take();
    host.room.emit('permission_changed', false);
    host.room.emit('permission_changed', true);
    await settle();
    assert.deepEqual(host.lines(), []);
  });
});

describe('a streamer that becomes audience', () => {
  it('is told, and tells others, when the server has seen the end of its tracks', async () => {
    const host = await publishing(INTERACTIVE_LIVE);
    let seen = (): void => undefined;
    host.room.onWhenUnpublished = () => new Promise((resolve) => (seen = resolve));
    host.send('PUBLISH_LOCAL_AUDIO_STREAM', { enable: false });
    host.send('SET_CLIENTROLE', { role: 1 });
    await settle();
    assert.deepEqual(host.room.asked, ['unpublish audio']);
    seen();
    await settle();
    assert.equal(host.lines().at(-1), 'role 0>1');
    assert.equal(host.room.asked.at(-1), 'attributes {"alirtc.role":"live","alirtc.profile":"1"}');
  });
});
