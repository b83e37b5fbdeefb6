import { ChannelProfile, ClientRole, ErrorCode, type ChannelProfile as Profile } from '../../../client/index.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { row, type Check } from '../support/row.js';
import { COMMUNICATION, LIVE, LOW_LATENCY, PUBLISHING, daemonOfFile, joined, newUser } from './scene.js';

const { INTERACTIVE, LIVE: AUDIENCE } = ClientRole;
const ERR_PUBLISH_AUDIENCE = 0x0103030d;
const ERR_JOIN_PROFILE_MISMATCH = 0x02010903;

/** Who sees whom, by profile and the two roles. */
const VISIBILITY: { profile: Profile; roles: [ClientRole, ClientRole]; firstSeesSecond: boolean }[] = [
  { profile: COMMUNICATION, roles: [INTERACTIVE, INTERACTIVE], firstSeesSecond: true },
  { profile: COMMUNICATION, roles: [INTERACTIVE, AUDIENCE], firstSeesSecond: true },
  { profile: COMMUNICATION, roles: [AUDIENCE, INTERACTIVE], firstSeesSecond: true },
  { profile: COMMUNICATION, roles: [AUDIENCE, AUDIENCE], firstSeesSecond: true },
  ...[LIVE, LOW_LATENCY].flatMap((profile) =>
    [INTERACTIVE, AUDIENCE].flatMap((first) =>
      [INTERACTIVE, AUDIENCE].map((second) => ({
        profile,
        roles: [first, second] as [ClientRole, ClientRole],
        firstSeesSecond: second === INTERACTIVE,
      })),
    ),
  ),
];

describe('conformance: roles and visibility', () => {
  const daemon = daemonOfFile();

  for (const profile of [COMMUNICATION, LIVE, LOW_LATENCY]) {
    row(
      `${ChannelProfile[profile]}: who sees whom, for every pair of roles, whoever came first`,
      { covers: ['JoinChannel', 'SetClientRole', 'OnRemoteUserOnLineNotify'], peer: 'engine' },
      async (check: Check) => {
        await using scene = await ChannelScene.open(daemon());
        const config = { channelProfile: profile };
        // Four users, so that each pair of roles meets: two streamers, two audience.
        const roles = { s1: INTERACTIVE, a1: AUDIENCE, s2: INTERACTIVE, a2: AUDIENCE };
        const users = new Map<string, Awaited<ReturnType<typeof joined>>>();
        for (const [id, role] of Object.entries(roles)) users.set(id, await joined(scene, id, config, role));
        for (const [id, { callbacks }] of users) {
          const own = roles[id as keyof typeof roles];
          const visible = Object.entries(roles).flatMap(([other, role]) => {
            const pair = VISIBILITY.find(
              (one) => one.profile === profile && one.roles[0] === own && one.roles[1] === role,
            );
            return other !== id && pair?.firstSeesSecond === true ? [`online ${other}`] : [];
          });
          // A LiveKit server tells of participants without tracks within 3 s.
          const lines = await callbacks.take(...visible);
          const seen = lines.filter((line) => line.startsWith('online'));
          check.equal(seen.sort(), visible.sort(), `whom ${id} sees`);
        }
      },
    );
  }

  row(
    'a user of an interactive profile is audience until SetClientRole(Interactive), seen by nobody',
    { covers: ['JoinChannel', 'SetClientRole'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const watcher = await joined(scene, 'watcher', { channelProfile: LIVE });
      const fresh = await joined(scene, 'fresh', { channelProfile: LIVE });
      check.equal(await watcher.callbacks.take(), ['status CONNECTING', 'status CONNECTED', 'join ERR_OK']);
      check.equal((await fresh.engine.snapshot())?.role, AUDIENCE);
      await fresh.engine.setClientRole(INTERACTIVE);
      check.equal(await watcher.callbacks.take('online fresh'), ['online fresh']);
    },
  );

  row(
    'a role that is set before the join makes no callback and is in force with it',
    { covers: ['SetClientRole', 'OnUpdateRoleNotify'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const watcher = await joined(scene, 'watcher', { channelProfile: LIVE });
      const user = await newUser(scene);
      await user.engine.setClientRole(INTERACTIVE);
      await scene.join(user.engine, 'user', { channelProfile: LIVE, ...PUBLISHING });
      await watcher.callbacks.until('online user');
      await user.callbacks.until('publish audio PUBLISHING>PUBLISHED');
      check.equal(
        user.callbacks.lines.filter((line) => line.startsWith('role')),
        [],
      );
      check.equal((await user.engine.snapshot())?.role, INTERACTIVE);
    },
  );

  row(
    'from audience to streamer and back: OnUpdateRoleNotify once each; others see the user come and go; it sees streamers all the time',
    {
      covers: ['SetClientRole', 'OnUpdateRoleNotify', 'OnRemoteUserOnLineNotify', 'OnRemoteUserOffLineNotify'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const config = { channelProfile: LIVE };
      const streamer = await joined(scene, 'streamer', config, INTERACTIVE);
      const audience = await joined(scene, 'audience', config);
      const changing = await joined(scene, 'changing', config);
      check.equal(
        (await changing.callbacks.take('online streamer')).filter((line) => line.startsWith('online')),
        ['online streamer'],
      );
      await streamer.callbacks.take();
      await audience.callbacks.take();
      for (let round = 0; round < 2; round++) {
        await changing.engine.setClientRole(INTERACTIVE);
        check.equal(await changing.callbacks.take('role LIVE>INTERACTIVE'), ['role LIVE>INTERACTIVE']);
        check.equal(await streamer.callbacks.take('online changing'), ['online changing']);
        check.equal(await audience.callbacks.take('online changing'), ['online changing']);
        await changing.engine.setClientRole(AUDIENCE);
        check.equal(await changing.callbacks.take('role INTERACTIVE>LIVE'), ['role INTERACTIVE>LIVE']);
        check.equal(await streamer.callbacks.take('offline changing'), ['offline changing']);
        check.equal(await audience.callbacks.take('offline changing'), ['offline changing']);
      }
      await changing.engine.setClientRole(AUDIENCE);
      check.equal(await changing.callbacks.take(), [], 'the role it has already');
    },
  );

  row(
    'in the communication profile SetClientRole is told and changes nothing about visibility or publishing',
    { covers: ['SetClientRole', 'OnUpdateRoleNotify'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const watcher = await joined(scene, 'watcher');
      const user = await joined(scene, 'user');
      await watcher.callbacks.take('online user');
      await user.callbacks.take('online watcher');
      check.equal((await user.engine.snapshot())?.role, INTERACTIVE, 'everyone is a streamer');
      await user.engine.setClientRole(INTERACTIVE);
      check.equal(await user.callbacks.take(), [], 'the role it has already');
      await user.engine.setClientRole(AUDIENCE);
      check.equal(await user.callbacks.take('role INTERACTIVE>LIVE'), ['role INTERACTIVE>LIVE']);
      check.equal(await watcher.callbacks.take(), []);
      await user.engine.publishLocalAudioStream(true);
      check.equal(await watcher.callbacks.take('tracks user MIC NO'), ['tracks user MIC NO']);
    },
  );

  row(
    'audience that publishes is refused with 0x0103030d, by every publish call; as streamer the same calls work',
    {
      covers: [
        'PublishLocalAudioStream',
        'PublishLocalVideoStream',
        'PublishLocalDualStream',
        'PublishScreenShareStream',
        'SetClientRole',
      ],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const { engine, callbacks } = await joined(scene, 'user', { channelProfile: LIVE });
      await callbacks.take();
      const refused = { reason: 'ERR_PUBLISH_AUDIENCE', number: ERR_PUBLISH_AUDIENCE };
      for (const wait of [true, false]) {
        await check.rejects(engine.publishLocalAudioStream(true, { wait }), refused);
        await check.rejects(engine.publishLocalVideoStream(true, { wait }), refused);
        await check.rejects(engine.publishLocalDualStream(true, { wait }), refused);
        await check.rejects(engine.publishScreenShareStream(true, { wait }), refused);
      }
      check.equal(await callbacks.take(), [], 'a refusal is no callback');
      await engine.setClientRole(INTERACTIVE);
      await engine.publishLocalAudioStream(true);
      await engine.publishLocalVideoStream(true);
      check.equal((await callbacks.take()).slice(-1), ['publish camera PUBLISHING>PUBLISHED']);
    },
  );

  row(
    'Interactive to Live is refused while publishing, and possible once publishing was stopped: count and order at everybody',
    {
      covers: ['SetClientRole', 'OnUpdateRoleNotify', 'OnRemoteTrackAvailableNotify', 'OnRemoteUserOffLineNotify'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const config = { channelProfile: LIVE };
      const watcher = await joined(scene, 'watcher', config);
      const user = await joined(scene, 'user', config, INTERACTIVE);
      await user.engine.publishLocalAudioStream(true);
      await user.callbacks.take();
      await watcher.callbacks.take('tracks user MIC NO');
      for (const wait of [true, false])
        await check.rejects(user.engine.setClientRole(AUDIENCE, { wait }), { reason: 'ERR_PUBLISH_INVALID' });
      check.equal(await user.callbacks.take(), []);
      check.equal(await watcher.callbacks.take(), [], 'others see nothing of a refusal');
      await user.engine.publishLocalAudioStream(false);
      await user.engine.setClientRole(AUDIENCE);
      check.equal(await user.callbacks.take('role INTERACTIVE>LIVE'), [
        'publish audio PUBLISHED>NO_PUBLISH',
        'role INTERACTIVE>LIVE',
      ]);
      check.equal(await watcher.callbacks.take('offline user'), ['tracks user NO NO', 'offline user']);
    },
  );

  row(
    "the first user sets the channel's profile: another one is answered with 0x02010903, in every combination",
    { covers: ['JoinChannel', 'OnJoinChannelResult'], peer: 'engine' },
    async (check: Check) => {
      const profiles = [COMMUNICATION, LIVE, LOW_LATENCY];
      for (const first of profiles) {
        await using scene = await ChannelScene.open(daemon());
        const owner = await joined(scene, 'owner', { channelProfile: first });
        await owner.callbacks.take();
        const late = await newUser(scene);
        for (const profile of profiles.filter((one) => one !== first)) {
          await check.rejects(scene.join(late.engine, 'late', { channelProfile: profile }), {
            reason: 'ERR_JOIN_PROFILE_MISMATCH',
            number: ERR_JOIN_PROFILE_MISMATCH,
          });
          check.equal(await late.callbacks.take('join ERR_JOIN_PROFILE_MISMATCH'), [
            'status CONNECTING',
            'status FAILED',
            'join ERR_JOIN_PROFILE_MISMATCH',
          ]);
        }
        check.equal(await owner.callbacks.take(), [], 'the channel hears nothing of it');
        await scene.join(late.engine, 'late', { channelProfile: first });
        check.ok(await late.callbacks.until('join ERR_OK'), 'with the same profile it is let in');
        // The channel that everybody left can have another profile.
        await late.engine.leaveChannel();
        await owner.engine.leaveChannel();
      }
    },
  );

  row(
    'the same user id joining elsewhere: the earlier one gets ERR_LEAVE_UNUSUAL and is out; others see it go and come',
    {
      covers: ['JoinChannel', 'OnError', 'OnRemoteUserOnLineNotify', 'OnRemoteUserOffLineNotify'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const watcher = await joined(scene, 'watcher');
      const earlier = await joined(scene, 'twin');
      await earlier.callbacks.take('online watcher');
      await watcher.callbacks.take('online twin');
      const later = await joined(scene, 'twin');
      const { event } = await earlier.callbacks.until('error ERR_LEAVE_UNUSUAL');
      check.ok(event.type === 'onError', 'an error');
      check.equal(event.value.errorCode, ErrorCode.LEAVE_UNUSUAL);
      check.equal(await earlier.callbacks.take(), ['status DISCONNECTED', 'error ERR_LEAVE_UNUSUAL']);
      check.equal(await watcher.callbacks.take('online twin'), ['offline twin', 'online twin']);
      check.equal((await later.callbacks.take('online watcher')).slice(-2), ['join ERR_OK', 'online watcher']);
      const snapshot = await earlier.engine.snapshot();
      check.equal([snapshot?.channel, snapshot?.remoteUsers], ['', []]);
      await check.rejects(earlier.engine.publishLocalAudioStream(true), { reason: 'ERR_PUBLISH_NOT_JOIN_CHANNEL' });
      await earlier.engine.leaveChannel();
      check.equal(await earlier.callbacks.take(), [], 'there is nothing to leave');
      // It may join again, and the other one is out then.
      await scene.join(earlier.engine, 'twin');
      check.ok(await later.callbacks.until('error ERR_LEAVE_UNUSUAL'), 'the tables are turned');
    },
  );

  for (const profile of [COMMUNICATION, LIVE]) {
    row(
      `${ChannelProfile[profile]}: a LiveKit participant that knows nothing of roles is a streamer, and sees what streamers publish`,
      {
        covers: [
          'JoinChannel',
          'SetClientRole',
          'OnRemoteUserOnLineNotify',
          'OnRemoteUserOffLineNotify',
          'OnRemoteTrackAvailableNotify',
        ],
        peer: '@livekit/rtc-node',
      },
      async (check: Check) => {
        await using scene = await ChannelScene.open(daemon());
        const user = await joined(scene, 'user', { channelProfile: profile }, AUDIENCE);
        await user.callbacks.take();
        const peer = await scene.peer('foreign');
        check.equal(await user.callbacks.take('online foreign'), ['online foreign']);
        const { sid } = await peer.call('publish_audio', { frequency: 440 });
        check.equal(await user.callbacks.take('tracks foreign MIC NO'), ['tracks foreign MIC NO']);
        await peer.call('unpublish', { sid });
        check.equal(await user.callbacks.take('tracks foreign NO NO'), ['tracks foreign NO NO']);
        if (profile !== COMMUNICATION) await user.engine.setClientRole(INTERACTIVE);
        await user.engine.publishLocalAudioStream(true);
        check.ok(
          await peer.waitFor((event) => event.event === 'track_subscribed' && event.identity === 'user'),
          'heard',
        );
        await user.callbacks.take();
        await peer.call('disconnect', {});
        check.equal(await user.callbacks.take('offline foreign'), ['offline foreign']);
      },
    );
  }
});
