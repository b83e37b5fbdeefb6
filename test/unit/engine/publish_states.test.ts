import assert from 'node:assert/strict';
import type { JoinConfigFields } from '../../../coreservice/ipc/commands.js';
import { ERROR_NUMBERS } from '../../../common/error_codes.js';
import { settle } from './fake_clock.js';
import { COMMUNICATION, INTERACTIVE_LIVE, ScriptedEngine } from './scripted_engine.js';

const AUTOMATICALLY = 0;

type Step = (host: ScriptedEngine) => void;
const camera =
  (enable: boolean): Step =>
  (host) =>
    host.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable });
const audio =
  (enable: boolean): Step =>
  (host) =>
    host.send('PUBLISH_LOCAL_AUDIO_STREAM', { enable });
const screen =
  (enable: boolean): Step =>
  (host) =>
    host.send('PUBLISH_SCREEN_SHARE_STREAM', { enable });
const role =
  (value: number): Step =>
  (host) =>
    host.send('SET_CLIENTROLE', { role: value });
const leave: Step = (host) => host.send('LEAVE_CHANNEL', {});

interface Row {
  title: string;
  config?: Partial<JoinConfigFields>;
  before?: Step[];
  then?: Step[];
  told: string[];
}

const rows: Row[] = [
  {
    title: 'Automatically publishes camera and sound at the join, not the screen',
    config: { publishMode: AUTOMATICALLY },
    told: [
      'camera: Idle>Publishing',
      'audio: Idle>Publishing',
      'camera: Publishing>Published',
      'audio: Publishing>Published',
    ],
  },
  {
    title: 'Automatically publishes what was set before the join',
    config: { publishMode: AUTOMATICALLY },
    before: [camera(false), screen(true)],
    told: [
      'audio: Idle>Publishing',
      'screen: Idle>Publishing',
      'audio: Publishing>Published',
      'screen: Publishing>Published',
    ],
  },
  {
    title: 'an audio-only join publishes no pictures',
    config: { publishMode: AUTOMATICALLY, isAudioOnly: true },
    before: [screen(true)],
    told: ['audio: Idle>Publishing', 'audio: Publishing>Published'],
  },
  { title: 'Manually publishes nothing at the join', before: [camera(true)], told: [] },
  {
    title: 'Manually publishes what is asked for in the channel, stops it and begins again',
    then: [camera(true), camera(false), camera(true), leave],
    told: [
      'camera: Idle>Publishing',
      'camera: Publishing>Published',
      'camera: Published>NoPublish',
      'camera: NoPublish>Publishing',
      'camera: Publishing>Published',
      'camera: Published>Idle',
      'status Disconnected',
      'left 0',
    ],
  },
  {
    title: 'stopping what was never published tells nothing',
    then: [camera(false), audio(false), screen(false)],
    told: [],
  },
  {
    title: 'asking twice tells once',
    then: [screen(true), screen(true)],
    told: ['screen: Idle>Publishing', 'screen: Publishing>Published'],
  },
  {
    title: 'audience publishes nothing at the join and is refused when it asks',
    config: { channelProfile: INTERACTIVE_LIVE, publishMode: AUTOMATICALLY },
    then: [audio(true)],
    told: [`error ${ERROR_NUMBERS.ERR_SDK_INVALID_STATE} ERR_PUBLISH_AUDIENCE`],
  },
  {
    title: 'audience that becomes a streamer publishes what Automatically would',
    config: { channelProfile: INTERACTIVE_LIVE, publishMode: AUTOMATICALLY },
    then: [role(0)],
    told: [
      'role 1>0',
      'camera: Idle>Publishing',
      'audio: Idle>Publishing',
      'camera: Publishing>Published',
      'audio: Publishing>Published',
    ],
  },
  {
    title: 'a role set before the join takes effect with it, without a callback',
    config: { channelProfile: INTERACTIVE_LIVE },
    before: [role(0)],
    then: [audio(true)],
    told: ['audio: Idle>Publishing', 'audio: Publishing>Published'],
  },
  {
    title: 'a streamer that publishes cannot become audience; after stopping it can',
    config: { channelProfile: INTERACTIVE_LIVE },
    before: [role(0)],
    then: [audio(true), role(1), audio(false), role(1)],
    told: [
      'audio: Idle>Publishing',
      'audio: Publishing>Published',
      `error ${ERROR_NUMBERS.ERR_SDK_INVALID_STATE} ROLE_WHILE_PUBLISHING`,
      'audio: Published>NoPublish',
      'role 0>1',
    ],
  },
];

describe('publishing', () => {
  for (const { title, config = {}, before = [], then = [], told } of rows)
    it(title, async () => {
      const host = new ScriptedEngine();
      for (const step of before) step(host);
      await host.join({ channelProfile: COMMUNICATION, ...config });
      for (const step of then) {
        step(host);
        await settle();
      }
      assert.deepEqual(host.lines(), ['status Connecting', 'status Connected', 'joined 0', ...told]);
    });

  it('that fails goes to NoPublish with its error, and is tried again only when asked', async () => {
    const host = new ScriptedEngine();
    host.onRoom = (room) => (room.onPublish = () => Promise.reject(new Error('no permission')));
    await host.join();
    host.lines();
    camera(true)(host);
    await settle();
    assert.deepEqual(host.lines(), [
      'camera: Idle>Publishing',
      'camera: Publishing>NoPublish',
      `error ${ERROR_NUMBERS.ERR_PUBLISH_VIDEO_STREAM_FAILED} ERR_PUBLISH_VIDEO_STREAM_FAILED`,
    ]);
    audio(false)(host);
    await settle();
    assert.deepEqual(host.lines(), []);
    host.room.onPublish = () => Promise.resolve();
    camera(true)(host);
    await settle();
    assert.deepEqual(host.lines(), ['camera: NoPublish>Publishing', 'camera: Publishing>Published']);
  });

  it('by a role that was set while the join was under way is possible, and others are told the role', async () => {
    const host = new ScriptedEngine();
    let answer = (): void => undefined;
    host.onRoom = (room) => (room.onSetAttributes = () => new Promise((resolve) => (answer = resolve)));
    host.sendJoin({ channelProfile: INTERACTIVE_LIVE, publishMode: AUTOMATICALLY, isAudioOnly: true });
    await settle();
    role(0)(host);
    host.room.onSetAttributes = () => Promise.resolve();
    answer();
    await settle();
    assert.deepEqual(host.lines().slice(2), ['joined 0', 'audio: Idle>Publishing', 'audio: Publishing>Published']);
    assert.deepEqual(
      host.room.asked.filter((asked) => asked.startsWith('attributes')).map((asked) => asked.includes('interactive')),
      [false, true],
    );
  });

  it('that failed while the connection was away is tried again when it is back', async () => {
    const host = new ScriptedEngine();
    host.onRoom = (room) => (room.onPublish = () => Promise.reject(new Error('no connection')));
    await host.join({ publishMode: AUTOMATICALLY, isAudioOnly: true });
    host.lines();
    host.room.onPublish = () => Promise.resolve();
    host.room.emit('reconnected');
    await settle();
    assert.deepEqual(host.lines(), ['status Connected', 'audio: NoPublish>Publishing', 'audio: Publishing>Published']);
  });

  it('that the server does not answer fails after 10 s', async () => {
    const host = new ScriptedEngine();
    host.onRoom = (room) => (room.onPublish = () => new Promise(() => undefined));
    await host.join();
    host.lines();
    audio(true)(host);
    await host.clock.pass(10_000);
    assert.deepEqual(host.lines(), [
      'audio: Idle>Publishing',
      'audio: Publishing>NoPublish',
      `error ${ERROR_NUMBERS.ERR_PUBLISH_AUDIO_STREAM_FAILED} ERR_PUBLISH_AUDIO_STREAM_FAILED`,
    ]);
  });

  it('waits for a connection that is lost, however long that takes, and then has 10 s', async () => {
    const host = new ScriptedEngine();
    const answers: (() => void)[] = [];
    host.onRoom = (room) => (room.onPublish = () => new Promise((resolve) => answers.push(resolve)));
    await host.join();
    host.lines();
    audio(true)(host);
    await host.clock.pass(9000);
    host.room.emit('reconnecting', 'signal', 'cut');
    // Asked for while it is away.
    camera(true)(host);
    await host.clock.pass(60_000);
    host.room.emit('reconnected');
    await host.clock.pass(9999);
    answers[0]?.();
    await settle();
    const told = (lines: string[]): string[] => lines.filter((line) => !line.startsWith('status'));
    assert.deepEqual(told(host.lines()), [
      'audio: Idle>Publishing',
      'camera: Idle>Publishing',
      'audio: Publishing>Published',
    ]);
    await host.clock.pass(1);
    assert.deepEqual(told(host.lines()), [
      'camera: Publishing>NoPublish',
      `error ${ERROR_NUMBERS.ERR_PUBLISH_VIDEO_STREAM_FAILED} ERR_PUBLISH_VIDEO_STREAM_FAILED`,
    ]);
  });

  it('that is stopped while it begins is taken back, and one call is made at a time', async () => {
    const host = new ScriptedEngine();
    let answer = (): void => undefined;
    host.onRoom = (room) => (room.onPublish = () => new Promise((resolve) => (answer = resolve)));
    await host.join();
    host.lines();
    camera(true)(host);
    await settle();
    camera(false)(host);
    camera(true)(host);
    camera(false)(host);
    await settle();
    answer();
    await settle();
    assert.deepEqual(host.lines(), [
      'camera: Idle>Publishing',
      'camera: Publishing>NoPublish',
      'camera: NoPublish>Publishing',
      'camera: Publishing>NoPublish',
    ]);
    assert.deepEqual(host.room.asked.slice(-2), ['publish camera', 'unpublish camera']);
  });

  it('tells how long the last state lasted', async () => {
    const host = new ScriptedEngine();
    await host.join();
    audio(true)(host);
    await settle();
    host.take();
    await host.clock.pass(1234);
    audio(false)(host);
    const [edge] = host.take().filter(({ name }) => name === 'AUDIO_PUBLISH_STATE');
    assert.deepEqual(edge?.fields, { oldState: 3, newState: 1, elapseSinceLastState: 1234, channel: 'room' });
  });

  it('asked for while the join is under way counts as asked for in the channel', async () => {
    const host = new ScriptedEngine();
    host.sendJoin();
    audio(true)(host);
    await settle();
    assert.deepEqual(host.lines().slice(-2), ['audio: Idle>Publishing', 'audio: Publishing>Published']);
  });

  it('that the channel ends goes to NoPublish with its error', async () => {
    const host = new ScriptedEngine();
    await host.join();
    camera(true)(host);
    await settle();
    host.lines();
    host.room.track('camera').emit('ended');
    await settle();
    assert.deepEqual(host.lines(), [
      'camera: Published>NoPublish',
      `error ${ERROR_NUMBERS.ERR_PUBLISH_VIDEO_STREAM_FAILED} ERR_PUBLISH_VIDEO_STREAM_FAILED`,
    ]);
  });
});
