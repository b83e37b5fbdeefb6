import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { runProgram } from '../../../client/cli/program.js';
import type { CliIo } from '../../../client/cli/io.js';
import { ErrorCode, TokenFormat } from '../../../client/index.js';
import { EngineSnapshot, EngineState } from '../../../gen/alirtc/v1/events.js';
import type { GenerateTokenRequest } from '../../../gen/alirtc/v1/token.js';
import { FakeDaemon } from '../../support/fake_daemon/fake_daemon.js';
import { recordingEngineService } from '../../support/fake_daemon/fake_engine.js';
import type { RecordedCall } from '../../support/fake_daemon/fake_engine.js';
import { serviceError } from '../../support/fake_daemon/status.js';

interface Result {
  code: number;
  out: string[];
  err: string[];
}

describe('The command line', () => {
  let daemon: FakeDaemon;
  const calls: RecordedCall[] = [];
  let tokenRequest: GenerateTokenRequest;

  before(async () => {
    const engine = EngineSnapshot.fromPartial({
      engineId: 'e1',
      state: EngineState.JOINED,
      channel: 'room',
      userId: 'bot',
    });
    daemon = await FakeDaemon.start({
      engine: recordingEngineService(calls, {
        listEngines: (_call, callback) => callback(null, { engines: [engine] }),
        joinChannel: (_call, callback) => {
          const facts = { number: '33620485', field: 'user_id', value: 'x', remedy: 'join as the user of the token' };
          callback(serviceError(status.UNAUTHENTICATED, 'another user', 'ERR_JOIN_BAD_TOKEN', facts));
        },
      }),
      events: {
        getEventHandler: (call) => {
          call.write({ sequence: 7, timeUs: 1_700_000_000_000_000, event: { $case: 'snapshot', value: engine } });
          const value = { errorCode: ErrorCode.NO_PEOPLE, number: 16975620, text: 'nobody' };
          call.write({ sequence: 8, timeUs: 1_700_000_000_000_001, event: { $case: 'onError', value } });
          call.end();
        },
      },
      media: {
        onSubscribeMixAudioFrame: (call) => {
          for (let n = 1; n <= 5; n++) {
            const header = { sequence: n, captureTimeUs: n, droppedBefore: 0, discontinuity: false };
            const format = { frameMs: 10, sampleRateHz: 48_000, channels: 1, sampleBits: 16, samples: 480 };
            call.write({ header, ...format, lane: undefined, data: Buffer.alloc(960) });
          }
        },
      },
      node: {
        getNodeStatus: (_call, callback) =>
          callback(null, {
            version: '1.2.3',
            startedAtUs: 1_700_000_000_000_000,
            channelServerUrl: 'ws://127.0.0.1:9',
            channelServerEmbedded: true,
            engines: 1,
            draining: false,
            drainDeadlineUs: 0,
            load: undefined,
            limits: undefined,
            engineStatuses: [],
            runtime: 'Node.js v20',
            processes: [
              { kind: 'daemon', processId: 42, engineId: '', residentBytes: 9e7, cpuTimeUs: 1_500_000, cpuMs: 5 },
            ],
          }),
      },
      token: {
        generateToken: (call, callback) => {
          tokenRequest = call.request;
          callback(null, { token: 'TOKEN', authInfo: call.request.authInfo, channelServerUrl: 'ws://127.0.0.1:9' });
        },
      },
    });
  });

  after(() => daemon.stop());

  async function run(...args: string[]): Promise<Result> {
    return runWith({}, '', ...args);
  }

  async function runWith(env: NodeJS.ProcessEnv, stdin: string, ...args: string[]): Promise<Result> {
    calls.length = 0;
    const out: string[] = [];
    const err: string[] = [];
    const io: CliIo = {
      print: (line) => void out.push(line),
      note: (line) => void err.push(line),
      signal: new AbortController().signal,
      env: { ALIRTCD_ADDRESS: daemon.address, ...env },
      readStdin: () => Promise.resolve(stdin),
      interactive: false,
    };
    return { code: await runProgram(args, io), out, err };
  }

  it('token: prints the token alone', async () => {
    const result = await run('token', '--channel', 'c', '--user', 'u');
    assert.deepEqual([result.code, result.out, result.err], [0, ['TOKEN'], []]);
    assert.equal(tokenRequest.authInfo?.channel, 'c');
    assert.equal(tokenRequest.authInfo.userId, 'u');
    assert.equal(tokenRequest.format, TokenFormat.ALIRTC);
    assert.equal(tokenRequest.authInfo.timestamp, 0);
  });

  it('token: asks for LiveKit tokens, app ids and a time', async () => {
    const args = ['token', '--channel', 'c', '--user', 'u', '--livekit', '--ttl', '2h', '--app-id', 'app'];
    const result = await run(...args);
    assert.equal(result.code, 0);
    assert.deepEqual(result.err, ['connect with it to ws://127.0.0.1:9']);
    assert.equal(tokenRequest.format, TokenFormat.LIVEKIT);
    assert.equal(tokenRequest.authInfo?.appId, 'app');
    assert.ok(Math.abs(tokenRequest.authInfo.timestamp - Date.now() / 1000 - 7200) < 5);
  });

  it('status and engines: tables for people, JSON for programs', async () => {
    const table = await run('status');
    assert.match(
      table.out.join('\n'),
      /alirtcd +1\.2\.3 [^]*\nchannel server +ws:\/\/127.0.0.1:9 \(embedded\)\n[^]*process +pid.*\ndaemon +42 [^\n]*1\.5 s/,
    );
    assert.equal((JSON.parse((await run('--json', 'status')).out[0] ?? '') as { version: string }).version, '1.2.3');
    const engines = await run('engines');
    assert.match(engines.out[1] ?? '', /^e1 +joined +room +bot/);
    assert.match((await run('--json', 'engines')).out[0] ?? '', /"state":"ENGINE_STATE_JOINED"/);
  });

  it('events: a JSON line for each event, with the names of the enumerations', async () => {
    const { code, out } = await run('events', 'e1');
    assert.equal(code, 0);
    const [snapshot, error] = out.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      [snapshot?.['sequence'], snapshot?.['type'], snapshot?.['state']],
      [7, 'snapshot', 'ENGINE_STATE_JOINED'],
    );
    assert.deepEqual(error, {
      sequence: 8,
      time: '2023-11-14T22:13:20.000Z',
      type: 'onError',
      errorCode: 'ERROR_CODE_NO_PEOPLE',
      number: 16975620,
      text: 'nobody',
    });
  });

  it('events: with a channel, makes an engine, and releases it when the join fails', async () => {
    const { code, err } = await run('events', '--channel', 'c', '--user', 'x');
    assert.equal(code, 1);
    assert.deepEqual(err, [
      'error: another user',
      '  code:   UNAUTHENTICATED ERR_JOIN_BAD_TOKEN 0x02010205',
      '  field:  user_id = x',
      '  remedy: join as the user of the token',
    ]);
    assert.deepEqual(
      calls.map(({ method }) => method),
      ['createAliRtcEngine', 'release'],
    );
  });

  it('call: makes a request from JSON in either spelling, and prints the response by the .proto names', async () => {
    const json = '{"engineId": "e1", "source_type": "VIDEO_SOURCE_SCREEN_SHARE", "enable": true, "renderMode": 4}';
    const { code, out } = await run('call', 'SetExternalVideoSource', json);
    assert.deepEqual([code, out], [0, ['{}']]);
    assert.deepEqual(calls, [
      { method: 'setExternalVideoSource', request: { engineId: 'e1', enable: true, sourceType: 2, renderMode: 4 } },
    ]);
    const list = await run('call', 'alirtc.v1.EngineService/ListEngines');
    assert.equal((JSON.parse(list.out[0] ?? '') as { engines: { engine_id: string }[] }).engines[0]?.engine_id, 'e1');
    const fromStdin = await runWith({}, '{"engine_id": "e2"}', 'call', 'leavechannel', '-');
    assert.equal(fromStdin.code, 0);
    assert.deepEqual(calls[0]?.request, { engineId: 'e2', wait: false });
  });

  it('call: sends nested messages, lists and bytes', async () => {
    const json = JSON.stringify({
      engine_id: 'e',
      ctrl_msg: { type: 'DATA_MSG_TYPE_CUSTOM', progress: 3, data: 'AAEC' },
    });
    assert.equal((await run('call', 'SendDataChannelMessage', json)).code, 0);
    const { ctrlMsg } = calls[0]?.request as { ctrlMsg: { type: number; progress: number; data: Buffer } };
    assert.deepEqual([ctrlMsg.type, ctrlMsg.progress, [...ctrlMsg.data]], [3, 3, [0, 1, 2]]);
  });

  it('call: prints each message of a stream, long bytes by their length', async () => {
    const { code, out } = await run('call', 'OnSubscribeMixAudioFrame', '{"engine_id": "e"}', '--max', '2');
    assert.equal(code, 0);
    const messages = out.map((line) => JSON.parse(line) as { header: { sequence: number }; data: string });
    assert.deepEqual(
      messages.map(({ header, data }) => [header.sequence, data]),
      [
        [1, '<960 bytes>'],
        [2, '<960 bytes>'],
      ],
    );
  });

  const refusals: [string, string[], RegExp][] = [
    ['an unknown method', ['call', 'JoinChanel'], /no method "JoinChanel"/],
    ['an unknown field', ['call', 'Release', '{"engine": "x"}'], /no field "engine".*\n.*\n.*\n.*use engine_id/],
    ['a field of a nested message', ['call', 'JoinChannel', '{"config": {"profil": 1}}'], /no field "config\.profil"/],
    [
      'a name that the enumeration lacks',
      ['call', 'SetClientRole', '{"client_role": "BOSS"}'],
      /use CLIENT_ROLE_UNSPECIFIED/,
    ],
    ['a wrong type', ['call', 'Release', '{"engine_id": 5}'], /engine_id is 5, not a string/],
    ['no JSON', ['call', 'Release', '{engine}'], /not JSON/],
    ['a stream of requests', ['call', 'PushExternalVideoFrames'], /takes a stream of requests/],
    ['a folder without .proto files', ['call', 'Release', '--proto', '/nonexistent'], /--proto/],
    ['neither an engine nor a channel', ['events'], /give the id of an engine, or --channel/],
    ['an address that is none', ['--address', 'nowhere', 'status'], /use unix:\/path/],
  ];
  for (const [title, args, text] of refusals)
    it(`refuses ${title} with what to do`, async () => {
      const { code, err } = await run(...args);
      assert.equal(code, 1);
      assert.match(err.join('\n'), text);
      assert.deepEqual(calls, []);
    });

  it('errors as JSON for programs', async () => {
    const { err } = await run('--json', 'call', 'JoinChannel', '{"engine_id": "e", "token": "t"}');
    assert.deepEqual(JSON.parse(err[0] ?? ''), {
      error: {
        message: 'another user',
        code: 'UNAUTHENTICATED',
        reason: 'ERR_JOIN_BAD_TOKEN',
        number: 33620485,
        field: 'user_id',
        value: 'x',
        remedy: 'join as the user of the token',
        metadata: {},
      },
    });
  });

  it('says how to start when no daemon answers', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'alirtc-none-'));
    const { code, err } = await runWith({ ALIRTCD_ADDRESS: `unix:${folder}/alirtcd.sock` }, '', 'status');
    await rm(folder, { recursive: true });
    assert.equal(code, 1);
    assert.match(err.join('\n'), /no daemon answers at unix:.*\n.*UNAVAILABLE\n.*\n.*start alirtcd/);
  });

  it('tells a wrong command line by its exit code', async () => {
    assert.equal((await run('token', '--channel', 'c')).code, 2);
    assert.equal((await run('record', '--channel', 'c', '--user', 'u', '--seconds', 'soon')).code, 2);
    assert.equal((await run('--help')).code, 0);
  });
});
