import assert from 'node:assert/strict';
import { AlirtcError } from '../../../common/errors.js';
import { ERROR_NUMBERS } from '../../../common/error_codes.js';
import { encodeToken } from '../../../common/token/alirtc_token.js';
import { RoomConnectError } from '../../../coreservice/rtc/connect_error.js';
import { settle } from './fake_clock.js';
import { COMMUNICATION, INTERACTIVE_LIVE, ScriptedEngine } from './scripted_engine.js';
import type { ScriptedRoom } from './scripted_room.js';

const NEVER = new Promise<never>(() => undefined);

describe('JoinChannel', () => {
  it('is confirmed once, after the connection status, with the channel and the user', async () => {
    const host = new ScriptedEngine();
    await host.join();
    const told = host.take();
    assert.deepEqual(
      told.map(({ name }) => name),
      ['CONNECTION_STATUS', 'CONNECTION_STATUS', 'JOIN_RESULT'],
    );
    assert.deepEqual(told[2]?.fields, { joinresult: 0, channel: 'room', userid: 'me' });
    await host.clock.pass(120_000);
    assert.deepEqual(host.lines(), []);
  });

  const failures: [title: string, (room: ScriptedRoom) => void, number: number, reason: string][] = [
    ['an unauthorized', failing('unauthorized'), ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN, 'ERR_JOIN_BAD_TOKEN'],
    ['an unknown room', failing('not_found'), ERROR_NUMBERS.ERR_JOIN_BAD_CHANNEL, 'ERR_JOIN_BAD_CHANNEL'],
    ['a refused connection', failing('refused'), ERROR_NUMBERS.ERR_NETWORK_CONNECT_FAIL, 'ERR_NETWORK_CONNECT_FAIL'],
    ['a timeout of the room', failing('timeout'), ERROR_NUMBERS.ERR_JOIN_TIMEOUT, 'ERR_JOIN_TIMEOUT'],
    ['a protocol error', failing('protocol'), ERROR_NUMBERS.ERR_JOIN_FAILED, 'ERR_JOIN_FAILED'],
    ['a full room', failing('room_full'), ERROR_NUMBERS.ERR_JOIN_FAILED, 'ROOM_FULL'],
    [
      'another profile in the room',
      (room) => room.add('alice', { role: 'interactive', profile: INTERACTIVE_LIVE }),
      0x02010903,
      'ERR_JOIN_PROFILE_MISMATCH',
    ],
    [
      'a room that ends while joining',
      (room) => (room.onConnect = () => (room.emit('ended', 'room_closed', 'gone'), NEVER)),
      ERROR_NUMBERS.ERR_JOIN_FAILED,
      'ROOM_CLOSED',
    ],
  ];
  for (const [title, script, number, reason] of failures)
    it(`fails with ${reason} for ${title}, and the next join may succeed`, async () => {
      const host = new ScriptedEngine();
      host.onRoom = script;
      host.sendJoin({ channelProfile: COMMUNICATION });
      await settle();
      assert.deepEqual(host.lines(), ['status Connecting', 'status Failed', `joined ${number} ${reason}`]);
      assert.equal(host.room.closed, 1);
      host.onRoom = () => undefined;
      await host.join();
      assert.deepEqual(host.lines(), ['status Connecting', 'status Connected', 'joined 0']);
    });

  it('fails with ERR_JOIN_TIMEOUT after 10 s when nothing answers, and once only', async () => {
    const host = new ScriptedEngine();
    host.onRoom = (room) => (room.onConnect = () => NEVER);
    host.sendJoin();
    await host.clock.pass(9_999);
    assert.deepEqual(host.lines(), ['status Connecting']);
    await host.clock.pass(1);
    assert.deepEqual(host.lines(), ['status Failed', `joined ${ERROR_NUMBERS.ERR_JOIN_TIMEOUT} ERR_JOIN_TIMEOUT`]);
    assert.equal(host.room.closed, 1);
    await host.clock.pass(60_000);
    assert.deepEqual(host.lines(), []);
  });

  const badCommands: [title: string, change: Record<string, unknown>, reason: string][] = [
    ['a channel with a slash', { channel: 'a/b' }, 'ERR_JOIN_BAD_PARAM'],
    ['an empty user', { userid: '' }, 'ERR_JOIN_BAD_PARAM'],
    ['a long name', { username: 'ä'.repeat(33) }, 'ERR_JOIN_BAD_PARAM'],
    ['an unknown profile', { config: { channelProfile: 7 } }, 'ERR_JOIN_CONFIG_INVALID'],
    ['an empty token', { token: '' }, 'ERR_JOIN_CONFIG_INVALID'],
    ['no channel server', {}, 'NO_CHANNEL_SERVER'],
  ];
  for (const [title, change, reason] of badCommands)
    it(`answers ${reason} for ${title}`, async () => {
      const host = new ScriptedEngine();
      host.send('JOIN_CHANNEL_V2', {
        token: 'x',
        channel: 'room',
        userid: 'me',
        username: '',
        config: {},
        ...change,
      });
      await settle();
      const results = host.take().filter(({ name }) => name === 'JOIN_RESULT');
      assert.deepEqual(
        results.map(({ fields }) => (fields['alirtcd'] as { reason: string }).reason),
        [reason],
      );
      assert.equal(host.rooms.length, 0);
    });

  it('is refused while joining and while joined, without a second result', async () => {
    const host = new ScriptedEngine();
    host.sendJoin();
    host.sendJoin();
    await settle();
    assert.deepEqual(host.lines(), [
      'status Connecting',
      `error ${ERROR_NUMBERS.ERR_SDK_INVALID_STATE} ERR_JOIN_ALREADY_JOINED`,
      'status Connected',
      'joined 0',
    ]);
    host.sendJoin();
    await settle();
    const [refused] = host.take();
    assert.deepEqual((refused?.fields['alirtcd'] as { number: number }).number, 0x01010301);
    assert.equal(host.rooms.length, 1);
  });

  it('without our daemon exchanges the token at the server of the environment', async () => {
    const host = new ScriptedEngine({ defaultUrl: 'ws://127.0.0.1:7' });
    host.sendJoin({ channelProfile: INTERACTIVE_LIVE }, {});
    await settle();
    assert.deepEqual(host.exchanged, [
      {
        url: 'ws://127.0.0.1:7',
        token: 'x',
        channel: 'room',
        userId: 'me',
        userName: 'Me',
        profile: INTERACTIVE_LIVE,
        role: 'live',
      },
    ]);
    assert.equal(host.room.options.token, 'a.b.c');
    assert.equal(host.lines().at(-1), 'joined 0');
  });

  it('takes the server of extra before that of the environment, and a LiveKit token as it is', async () => {
    const host = new ScriptedEngine({ defaultUrl: 'ws://127.0.0.1:7' });
    host.send('CREATE_RTC_ENGINE', { logPath: '/tmp', h5mode: false, extra: '{"alirtcd":{"url":"ws://127.0.0.1:9"}}' });
    host.send('JOIN_CHANNEL_V2', { token: 'h.p.s', channel: 'room', userid: 'me', username: '', config: {} });
    await settle();
    assert.deepEqual(host.exchanged, []);
    assert.equal(host.room.options.url, 'ws://127.0.0.1:9');
    assert.equal(host.room.options.token, 'h.p.s');
  });

  it('with several parameters makes the single token of them for the exchange', async () => {
    const host = new ScriptedEngine({ defaultUrl: 'ws://127.0.0.1:7' });
    const auth = { appId: 'abc', channel: 'room', userId: 'me', nonce: 'n', timestamp: 1_699_423_634 };
    host.send('JOIN_CHANNEL', {
      authInfo: {
        channel: 'room',
        userid: 'me',
        username: 'Me',
        appid: 'abc',
        nonce: 'n',
        role: '',
        token: 'cafe',
        timestamp: auth.timestamp,
      },
      config: { channelProfile: COMMUNICATION },
    });
    await settle();
    assert.equal(host.exchanged[0]?.token, encodeToken(auth, 'cafe'));
    assert.equal(host.lines().at(-1), 'joined 0');
  });

  it("passes on the exchange's refusal with its number, reason and text", async () => {
    const host = new ScriptedEngine({ defaultUrl: 'ws://127.0.0.1:7' });
    host.onExchange = () =>
      Promise.reject(
        new AlirtcError('unauthenticated', 'the token expired', {
          reason: 'ERR_JOIN_BAD_TOKEN',
          number: ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN,
        }),
      );
    host.sendJoin({}, {});
    await settle();
    const result = host.take().at(-1);
    assert.deepEqual(result?.fields, {
      joinresult: ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN,
      channel: 'room',
      userid: 'me',
      alirtcd: { reason: 'ERR_JOIN_BAD_TOKEN', text: 'the token expired', number: ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN },
    });
  });
});

describe('the attributes of a join', () => {
  const rows: [title: string, profile: number, attributes: object | undefined, asked: string[]][] = [
    ['are set when the token does not give them', COMMUNICATION, undefined, ['interactive', '0']],
    [
      'are not set when the token gives them',
      COMMUNICATION,
      { 'alirtc.role': 'interactive', 'alirtc.profile': '0' },
      [],
    ],
    [
      'are set when the token gives others',
      INTERACTIVE_LIVE,
      { 'alirtc.role': 'interactive', 'alirtc.profile': '1' },
      ['live', '1'],
    ],
  ];
  for (const [title, profile, attributes, asked] of rows)
    it(title, async () => {
      const host = new ScriptedEngine();
      const claims = Buffer.from(JSON.stringify({ attributes })).toString('base64url');
      host.sendJoin({ channelProfile: profile }, { url: 'ws://127.0.0.1:1', token: `h.${claims}.s` });
      await settle();
      const [role, number] = asked;
      const wanted =
        asked.length === 0 ? [] : [`attributes ${JSON.stringify({ 'alirtc.role': role, 'alirtc.profile': number })}`];
      assert.deepEqual(host.room.asked, ['connect', ...wanted]);
    });
});

describe('LeaveChannel', () => {
  it('is confirmed after the room has closed, and a new join is possible', async () => {
    const host = new ScriptedEngine();
    await host.join();
    host.lines();
    host.send('LEAVE_CHANNEL', {});
    await settle();
    assert.deepEqual(host.lines(), ['status Disconnected', 'left 0']);
    assert.equal(host.room.closed, 1);
    await host.join();
    assert.equal(host.lines().at(-1), 'joined 0');
  });

  it('is confirmed within 2 s when the room hangs', async () => {
    const host = new ScriptedEngine();
    await host.join();
    host.lines();
    host.room.close = () => NEVER;
    host.send('LEAVE_CHANNEL', {});
    await host.clock.pass(2000);
    assert.deepEqual(host.lines(), ['status Disconnected', 'left 0']);
  });

  it('when not joined is confirmed and changes nothing', async () => {
    const host = new ScriptedEngine();
    host.send('LEAVE_CHANNEL', {});
    await settle();
    assert.deepEqual(host.lines(), ['left 0']);
  });

  it('while joining gives the join its one result first', async () => {
    const host = new ScriptedEngine();
    host.onRoom = (room) => (room.onConnect = () => NEVER);
    host.sendJoin();
    await settle();
    host.send('LEAVE_CHANNEL', {});
    await settle();
    assert.deepEqual(host.lines(), [
      'status Connecting',
      'status Failed',
      `joined ${ERROR_NUMBERS.ERR_JOIN_FAILED} LEFT_WHILE_JOINING`,
      'left 0',
    ]);
    assert.equal(host.room.closed, 1);
    await host.clock.pass(20_000);
    assert.deepEqual(host.lines(), []);
  });
});

describe('SetPeriodForCheckPeople', () => {
  it('confirms the join when a streamer comes in time', async () => {
    const host = new ScriptedEngine();
    host.send('SET_PERIOD_FOR_CHECK_PEOPLE', { seconds: 3 });
    host.sendJoin({ channelProfile: INTERACTIVE_LIVE });
    await host.clock.pass(2000);
    host.room.join('audience', { role: 'live', profile: 1 });
    await settle();
    assert.deepEqual(host.lines(), ['status Connecting']);
    host.room.join('alice', { role: 'interactive', profile: 1 });
    await settle();
    assert.deepEqual(host.lines(), ['status Connected', 'joined 0', 'online alice']);
  });

  it('fails the join with -1 after ERR_NO_PEOPLE when nobody comes', async () => {
    const host = new ScriptedEngine();
    host.send('SET_PERIOD_FOR_CHECK_PEOPLE', { seconds: 3 });
    host.sendJoin();
    await host.clock.pass(2999);
    assert.deepEqual(host.lines(), ['status Connecting']);
    await host.clock.pass(1);
    assert.deepEqual(host.lines(), [
      `error ${ERROR_NUMBERS.ERR_NO_PEOPLE} ERR_NO_PEOPLE`,
      'status Failed',
      'joined -1 ERR_NO_PEOPLE',
    ]);
    assert.equal(host.room.closed, 1);
  });

  it('with 0 is off', async () => {
    const host = new ScriptedEngine();
    host.send('SET_PERIOD_FOR_CHECK_PEOPLE', { seconds: 0 });
    await host.join();
    assert.equal(host.lines().at(-1), 'joined 0');
  });
});

describe('the connection', () => {
  it('that is lost and found again is told by its status', async () => {
    const host = new ScriptedEngine();
    await host.join();
    host.lines();
    host.room.emit('reconnecting', 'signal', 'cut');
    host.room.emit('reconnected');
    assert.deepEqual(host.lines(), ['status Reconnecting', 'status Connected']);
  });

  it('that stays lost ends the stay with ERR_NETWORK_RECONNECT_FAIL', async () => {
    const host = new ScriptedEngine();
    await host.join();
    host.lines();
    host.room.emit('reconnecting', 'media', 'the server is not heard any more');
    host.room.emit('ended', 'connection_lost', '100 s');
    assert.deepEqual(host.lines(), [
      'status Reconnecting',
      'warning MEDIA_LOST',
      'status Failed',
      `error ${ERROR_NUMBERS.ERR_NETWORK_RECONNECT_FAIL} ERR_NETWORK_RECONNECT_FAIL`,
    ]);
    await host.join();
    assert.equal(host.lines().at(-1), 'joined 0');
  });

  it('of a user that joined elsewhere ends with ERR_LEAVE_UNUSUAL, machines first', async () => {
    const host = new ScriptedEngine();
    host.onRoom = (room) => {
      room.add('alice');
      room.publish('alice', 'camera');
    };
    await host.join({ publishMode: 0, subscribeMode: 0, isAudioOnly: false });
    host.lines();
    // The room's own order.
    for (const track of host.room.tracks) track.emit('ended');
    host.room.emit('ended', 'duplicate_identity', 'joined elsewhere');
    await settle();
    assert.deepEqual(host.lines(), [
      'alice camera: Subscribing>Idle',
      'camera: Published>Idle',
      'audio: Published>Idle',
      'status Disconnected',
      `error ${ERROR_NUMBERS.ERR_LEAVE_UNUSUAL} DUPLICATE_IDENTITY`,
    ]);
  });
});

function failing(kind: RoomConnectError['kind']): (room: ScriptedRoom) => void {
  return (room) => (room.onConnect = () => Promise.reject(new RoomConnectError(kind, 'no')));
}
