import { createHash } from 'node:crypto';
import type { RecordedCommand } from '../../support/scripted_core/scripted_cores.js';
import { CALLS, FURTHER_CALLS } from '../support/interface.js';
import { row, type Check } from '../support/row.js';
import { beforeTheJoin, inTheCall, type Expected } from './call_script.js';
import { CONFIG, CoreScene } from './core_scene.js';

const PEER = 'scripted core service';
const UNIT_LIMIT = 65_536;
/** Answered by the daemon from its own memory, or not by a core. */
const LOCAL: readonly string[] = [
  'IsLocalVideoStreamPublished',
  'IsLocalScreenPublishEnabled',
  'IsLocalAudioStreamPublished',
  'IsDualStreamPublished',
  'GetExternalAudioPublishVolume',
  'GenerateToken',
];

const CONFIG_ON_THE_WIRE = {
  isAudioOnly: false,
  channelProfile: 1,
  publishMode: 1,
  subscribeMode: 0,
  publishAvsyncMode: 0,
  publishAvsyncWithPtsMaxAudioCacheSize: 300,
  publishAvsyncWithPtsMaxVideoCacheSize: 100,
  subscribeVideoFormat: 1,
  subscribeAudioFormat: 1,
  ttsVad: false,
};

describe('stand-in: commands to a core service written from the page of the IPC', () => {
  let scene: CoreScene;
  before(async function () {
    this.timeout(20_000);
    scene = await CoreScene.open();
  });
  after(async function () {
    this.timeout(20_000);
    await scene.close();
  });

  row(
    'every call is one command with the number and exactly the keys of the page, in the order of the calls; CREATE first, DESTROY last, 39 before every 16',
    {
      covers: [...CALLS, ...FURTHER_CALLS].filter((name) => !LOCAL.includes(name) && name !== 'GetEventHandler'),
      peer: PEER,
    },
    async (check: Check) => {
      const { engine, core, extra } = await scene.start();
      const expected: Expected[] = [];
      const say = async (
        fields: Record<string, unknown>,
        call: Promise<unknown>,
        payload: Buffer = Buffer.alloc(0),
      ) => {
        await call;
        expected.push({ fields, payload });
      };
      const logPath = (await core.command('CREATE_RTC_ENGINE')).command['logPath'];
      check.ok(typeof logPath === 'string' && logPath.startsWith('/'), `logPath ${String(logPath)}`);
      expected.push({ fields: { Command: 1, logPath, h5mode: 1, extra }, payload: Buffer.alloc(0) });
      // The daemon asks whether the core answers.
      await say({ Command: 32, dataType: 2 }, Promise.resolve());
      await say({ Command: 40 }, Promise.resolve());
      await beforeTheJoin(engine, say);
      const token = await scene.join(engine);
      expected.push({
        fields: { Command: 24, token, channel: 'room', userid: 'bot', username: 'Bot', config: CONFIG_ON_THE_WIRE },
        payload: Buffer.alloc(0),
      });
      await inTheCall(engine, say);
      await say({ Command: 6 }, engine.leaveChannel());
      const { authInfo } = await scene.client.generateToken({ channel: 'room', userId: 'bot', nonce: 'AK-1' });
      await engine.joinChannel({ authInfo: { ...authInfo, role: 'interactive' }, config: CONFIG });
      expected.push({
        fields: {
          Command: 2,
          authInfo: {
            channel: 'room',
            userid: 'bot',
            username: '',
            appid: authInfo?.appId,
            nonce: 'AK-1',
            role: 'interactive',
            token: authInfo?.token,
            timestamp: authInfo?.timestamp,
          },
          config: CONFIG_ON_THE_WIRE,
        },
        payload: Buffer.alloc(0),
      });
      await engine.release();
      await core.command('DESTROY_ENGINE');
      const recorded = core.commands.filter((one) => !isOurs(one));
      const last = recorded.at(-1)?.command.Command;
      check.equal(last, 23, 'the last command');
      for (const [index, { fields, payload }] of expected.entries()) {
        const one = recorded[index];
        check.ok(one, `command ${String(fields['Command'])} as number ${index}`);
        check.equal(one.command['Command'], fields['Command'], `command number ${index}`);
        check.equal(withoutOurs(one.command), fields, `keys of command ${String(fields['Command'])}`);
        check.equal(one.payloadBytes, payload.length, `payload of command ${String(fields['Command'])}`);
        check.equal(one.sha256, createHash('sha256').update(payload).digest('hex'));
        check.ok(
          one.units.every((size) => size > 0 && size <= UNIT_LIMIT),
          `units of command ${String(fields['Command'])}: ${one.units.join(' ')}`,
        );
      }
      // A release of an engine in a channel leaves first.
      const rest = recorded.slice(expected.length).map(({ command }) => command.Command);
      check.ok(rest.every((number) => number === 6 || number === 23) && rest.length <= 2, `the end: ${rest.join(' ')}`);
      const big = recorded.find(({ payloadBytes }) => payloadBytes > 3_000_000);
      check.ok(big, 'a picture of 3 MB');
      check.equal(
        big.units.slice(0, -1).every((size) => size === UNIT_LIMIT),
        true,
        'full units',
      );
    },
  );

  row(
    'command 16 waits for the answer to 39, also when many are asked for at once',
    { covers: ['SubscribeRemoteAudioStream'], peer: PEER },
    async (check: Check) => {
      const { engine, core } = await scene.start(['GET_NEED_TEST_CYCLE_ROUND']);
      await scene.join(engine);
      const calls = ['a', 'b', 'c'].map((uid) => engine.subscribeRemoteAudioStream(uid, true, { wait: false }));
      await core.command('GET_NEED_TEST_CYCLE_ROUND');
      await engine.getSdkVersion();
      check.equal(core.of('SUBSCRIBE_REMOTE_AUDIO_STREAM').length, 0, '16 before the answer to 39');
      for (let n = 1; n <= 3; n++) {
        await core.count('GET_NEED_TEST_CYCLE_ROUND', n);
        core.send('NEED_TEST_CYCLE_ROUND', { isEnable: false });
        await core.count('SUBSCRIBE_REMOTE_AUDIO_STREAM', n);
      }
      await Promise.all(calls);
      const order = core.commands.map(({ command }) => command.Command).filter((n) => n === 39 || n === 16);
      check.equal(order, [39, 16, 39, 16, 39, 16]);
      await engine.release();
    },
  );
});

/** What the daemon and a core of ours say beside the protocol. */
function isOurs({ command }: RecordedCommand): boolean {
  return command.Command === 21 && Object.keys(JSON.parse(String(command['param'])) as object).join() === 'alirtcd';
}

function withoutOurs(command: Record<string, unknown>): Record<string, unknown> {
  const { alirtcd: _alirtcd, ...rest } = command;
  return rest;
}
