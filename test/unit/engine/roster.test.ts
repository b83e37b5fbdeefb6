import assert from 'node:assert/strict';
import { settle } from './fake_clock.js';
import { COMMUNICATION, INTERACTIVE_LIVE, ScriptedEngine } from './scripted_engine.js';
import type { ScriptedRoom } from './scripted_room.js';

interface Row {
  title: string;
  profile: number;
  subscribeMode?: number;
  /** Who was there before us. */
  before?: (room: ScriptedRoom) => void;
  /** What happens then. */
  then?: ((room: ScriptedRoom) => void)[];
  told: string[];
}

const [AUTOMATICALLY, MANUALLY] = [0, 1];

const rows: Row[] = [
  { title: 'an empty channel tells nothing', profile: COMMUNICATION, told: [] },
  {
    title: 'those already there are told after the join result, in their order, with their tracks',
    profile: COMMUNICATION,
    before: (room) => {
      room.add('alice', { role: 'interactive', profile: 0 });
      room.publish('alice', 'microphone');
      room.publish('alice', 'camera');
      room.add('bob', { role: 'interactive', profile: 0 });
    },
    told: ['online alice', 'tracks alice 1 1', 'online bob'],
  },
  {
    title: 'who comes and goes is told once each',
    profile: COMMUNICATION,
    then: [(room) => room.join('alice', { role: 'interactive' }), (room) => room.leave('alice')],
    told: ['online alice', 'offline alice'],
  },
  {
    title: 'audience is visible in Communication',
    profile: COMMUNICATION,
    then: [(room) => room.join('alice', { role: 'live' })],
    told: ['online alice'],
  },
  {
    title: 'audience is not visible in an interactive profile, and nothing is told when it goes',
    profile: INTERACTIVE_LIVE,
    then: [(room) => room.join('alice', { role: 'live' }), (room) => room.leave('alice')],
    told: [],
  },
  {
    title:
      'audience that becomes a streamer comes online, with what it publishes, and goes offline as it becomes audience again',
    profile: INTERACTIVE_LIVE,
    then: [
      (room) => room.join('alice', { role: 'live' }),
      (room) => room.publish('alice', 'camera'),
      (room) => room.role('alice', 'interactive'),
      (room) => room.role('alice', 'live'),
    ],
    told: ['online alice', 'tracks alice 0 1', 'offline alice'],
  },
  {
    title: 'a LiveKit participant that knows nothing of roles is a streamer when it may publish and is not hidden',
    profile: INTERACTIVE_LIVE,
    before: (room) => {
      room.add('browser');
      room.add('viewer', { canPublish: false });
      room.add('recorder', { hidden: true });
    },
    told: ['online browser'],
  },
  {
    title: 'every change of tracks is told with their full state',
    profile: COMMUNICATION,
    then: [
      (room) => room.join('alice'),
      (room) => room.publish('alice', 'camera'),
      (room) => room.publish('alice', 'screen'),
      (room) => room.publish('alice', 'microphone'),
      (room) => room.unpublishRemote('alice', 'camera'),
      (room) => room.unpublishRemote('alice', 'screen'),
      (room) => room.unpublishRemote('alice', 'microphone'),
    ],
    told: [
      'online alice',
      'tracks alice 0 1',
      'tracks alice 0 3',
      'tracks alice 1 3',
      'tracks alice 1 2',
      'tracks alice 1 0',
      'tracks alice 0 0',
    ],
  },
  {
    title: 'subscribing automatically begins when a track is published and ends with it',
    profile: COMMUNICATION,
    subscribeMode: AUTOMATICALLY,
    then: [
      (room) => room.join('alice'),
      (room) => room.publish('alice', 'camera'),
      (room) => room.unpublishRemote('alice', 'camera'),
      (room) => room.publish('alice', 'camera'),
      (room) => room.leave('alice'),
    ],
    told: [
      'online alice',
      'tracks alice 0 1',
      'alice camera: Idle>Subscribing',
      'tracks alice 0 0',
      'alice camera: Subscribing>NoSubscribe',
      'tracks alice 0 1',
      'alice camera: NoSubscribe>Subscribing',
      'alice camera: Subscribing>Idle',
      'offline alice',
    ],
  },
  {
    title: 'the same user from elsewhere goes offline and comes online',
    profile: COMMUNICATION,
    then: [(room) => room.join('alice'), (room) => room.join('alice')],
    told: ['online alice', 'offline alice', 'online alice'],
  },
];

describe('who is in the channel', () => {
  for (const { title, profile, subscribeMode = MANUALLY, before, then = [], told } of rows)
    it(title, async () => {
      const host = new ScriptedEngine();
      if (before !== undefined) host.onRoom = before;
      await host.join({ channelProfile: profile, subscribeMode });
      for (const step of then) {
        step(host.room);
        await settle();
      }
      assert.deepEqual(host.lines(), ['status Connecting', 'status Connected', 'joined 0', ...told]);
    });

  it('nothing more is told after leaving', async () => {
    const host = new ScriptedEngine();
    await host.join();
    host.room.join('alice');
    host.send('LEAVE_CHANNEL', {});
    await settle();
    host.lines();
    host.room.join('bob');
    host.room.leave('alice');
    assert.deepEqual(host.lines(), []);
  });
});

describe('LeaveOnceNoStreamer', () => {
  const rows: [title: string, profile: number, enable: boolean, told: string[]][] = [
    ['tells audience at once that the last streamer went', 1, true, ['offline alice', 'error 16974596 ERR_NO_PEOPLE']],
    ['tells nothing when it is off', 1, false, ['offline alice']],
    ['tells a streamer nothing', 0, true, ['offline alice']],
  ];
  for (const [title, profile, enable, told] of rows)
    it(title, async () => {
      const host = new ScriptedEngine();
      host.send('LEAVE_ONCE_NO_STREAMER', { enable });
      host.onRoom = (room) => {
        room.add('alice', { role: 'interactive' });
        room.add('bob', { role: 'interactive' });
      };
      await host.join({ channelProfile: profile });
      host.room.leave('bob');
      host.lines();
      host.room.leave('alice');
      assert.deepEqual(host.lines(), told);
    });
});
