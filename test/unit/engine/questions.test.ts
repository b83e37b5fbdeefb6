import assert from 'node:assert/strict';
import { COMMANDS, type CommandName } from '../../../coreservice/ipc/commands.js';
import { settle } from './fake_clock.js';
import { ScriptedEngine } from './scripted_engine.js';

describe('questions of the host', () => {
  it('are answered at once, also before the join', () => {
    const host = new ScriptedEngine();
    host.send('GET_NEED_TEST_CYCLE_ROUND', { uid: 'alice' });
    host.send('GET_SDK_VERSION', {});
    host.send('GET_REMAIN_DATA_BUFFER_SIZE', { dataType: 2 });
    const [round, version, remaining] = host.take();
    assert.deepEqual(round?.fields, { isEnable: false });
    assert.match(String(version?.fields['sdkVersion']), /^7\.\d/);
    assert.deepEqual(remaining?.fields, { audioBufferSize: 0, videoBufferSize: 0 });
  });

  it('about what is queued count milliseconds and pictures', async () => {
    const host = new ScriptedEngine();
    // Its answer never comes: the stream is being published.
    host.onRoom = (room) => (room.onPublish = () => new Promise<void>(() => undefined));
    await host.join();
    host.send('PUBLISH_LOCAL_AUDIO_STREAM', { enable: true });
    host.send('SET_EXTERNAL_AUDIO_SOURCE', { enable: true, sampleRate: 16_000, channelsPerFrame: 1 });
    const push = { timestamp: 0, isEndFrame: 0, frameID: '', sentenceID: 0, sequenceID: 0 };
    host.send('PUSH_AUDIO_FRAME', push, Buffer.alloc(1600));
    host.send('GET_REMAIN_DATA_BUFFER_SIZE', { dataType: 0 });
    assert.deepEqual(host.take().at(-1)?.fields, { audioBufferSize: 50, videoBufferSize: 0 });
  });
});

describe('every command', () => {
  it('is done, answered or refused with a callback that says why: none throws', async () => {
    const silent: string[] = [];
    for (const name of Object.keys(COMMANDS) as CommandName[]) {
      const host = new ScriptedEngine();
      host.send(name, {}, Buffer.alloc(0));
      await settle();
      const reasons = host.take().map(({ fields }) => (fields['alirtcd'] as { reason?: string } | undefined)?.reason);
      assert.ok(!reasons.includes('INTERNAL') || name === 'CREATE_RTC_ENGINE', `${name}: ${reasons.join(', ')}`);
      if (reasons.includes('NOT_IMPLEMENTED')) silent.push(name);
    }
    assert.deepEqual(
      silent.filter((name) => !/EFFECT|VOICEPRINT|SPEAKER|AIVAD|OBSERVER/.test(name)),
      [],
    );
  });

  const bad: [name: CommandName, fields: object][] = [
    ['SET_PARAMETER', { param: '{' }],
    ['SET_PARAMETER', { param: '[]' }],
    ['SET_PARAMETER', { param: '{"user_specified_video_observer_codec":"many"}' }],
    ['SET_PARAMETER', { param: '{"alirtcd":{"demand":{"mixed":[{"sampleRate":1,"channels":9}]}}}' }],
    ['CREATE_RTC_ENGINE', { extra: 'no' }],
    ['SET_CLIENTROLE', { role: 5 }],
  ];
  for (const [name, fields] of bad)
    it(`${name} with ${JSON.stringify(fields)} is refused by name`, () => {
      const host = new ScriptedEngine();
      host.send(name, fields);
      assert.equal(host.take().at(-1)?.name, 'ERROR');
    });
});
