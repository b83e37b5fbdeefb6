import assert from 'node:assert/strict';
import { configLines } from '../../../client/cli/node/config.js';
import { STATE_NAMES, leaseText, sorted } from '../../../client/cli/node/engine_rows.js';
import { logText } from '../../../client/cli/node/log_text.js';
import { statusLines } from '../../../client/cli/node/status.js';
import { plain, tableLines } from '../../../client/cli/table.js';
import { topLines } from '../../../client/cli/node/top.js';
import { durationText } from '../../../client/cli/node/units.js';
import { parseSecondsOrNone } from '../../../client/cli/parse.js';
import { EngineState } from '../../../gen/alirtc/v1/events.js';
import { GetConfigResponse, GetNodeStatusResponse } from '../../../gen/alirtc/v1/node.js';

const STARTED_US = 1_700_000_000_000_000;
const NOW_MS = STARTED_US / 1000 + 3_725_000;
const STATUS = GetNodeStatusResponse.fromPartial({
  version: '1.2.3',
  runtime: 'Node.js v20.1.0',
  startedAtUs: STARTED_US,
  channelServerUrl: 'ws://127.0.0.1:9',
  channelServerEmbedded: true,
  engines: 2,
  load: { loadMs: 500, capacityMs: 2000, freeMs: 1500 },
  limits: { maxEngines: 64, maxCallsPerSecond: 100 },
  processes: [
    { kind: 'daemon', processId: 42, residentBytes: 90_400_000, cpuTimeUs: 1_500_000, cpuMs: 12 },
    { kind: 'core', processId: 1043, engineId: 'eng_a', residentBytes: 101_000_000, cpuTimeUs: 0, cpuMs: 345 },
  ],
  engineStatuses: [
    { engineId: 'eng_b', state: EngineState.READY, cpuMs: 1, residentBytes: 3e8, loadMs: 7 },
    { engineId: 'eng_a', state: EngineState.JOINED, channel: 'room', userId: 'bot', cpuMs: 345, loadMs: 9 },
  ],
});

describe('a table', () => {
  it('has columns as wide as their widest cell, numbers at the right, "-" for nothing', () => {
    const columns = [{ title: 'name' }, { title: 'size', right: true as const }, { title: 'end' }];
    assert.deepEqual(
      tableLines(columns, [
        ['a', '12345', ''],
        ['longer', '7', 'x'],
      ]),
      ['name     size  end', 'a       12345  -', 'longer      7  x'],
    );
    assert.deepEqual(tableLines(columns, []), ['name  size  end']);
  });

  it('carries no commands for the terminal out of names that others chose', () => {
    assert.equal(plain('a\u001b[2Jb\nc\u009bd\u007f'), 'a [2Jb c d ');
    assert.deepEqual(tableLines([{ title: 'x' }], [['\u001b]0;owned\u0007']]), ['x', ' ]0;owned']);
  });
});

describe('what operators read', () => {
  it('times in the two largest units', () => {
    const texts = [0, 400, 12_000, 80_000, 3_725_000, 90_000_000, -5].map(durationText);
    assert.deepEqual(texts, ['0 s', '0 s', '12 s', '1 min 20 s', '1 h 2 min', '1 d 1 h', '0 s']);
  });

  it('deadlines of 0, and of times as everywhere', () => {
    assert.deepEqual(['0', '0s', '1.2', '10m'].map(parseSecondsOrNone), [0, 0, 2, 600]);
    assert.throws(() => parseSecondsOrNone('soon'), /use a time like/);
  });

  it('the state of a node, with load, limits and processes', () => {
    assert.deepEqual(statusLines(STATUS, 'unix:/s', NOW_MS), [
      'alirtcd         1.2.3 on Node.js v20.1.0 at unix:/s',
      'up              1 h 2 min, since 2023-11-14T22:13:20.000Z',
      'state           serving',
      'load            500 of 2000 ms/s (25 %), 1500 free',
      'engines         2 of 64',
      'channel server  ws://127.0.0.1:9 (embedded)',
      'limits          max-engines 64, max-engines-per-client 0, max-streams-per-client 0, max-streams-per-engine 0, max-event-streams-per-engine 0, max-calls-per-second 100, max-message-bytes 0, drain-seconds 0',
      '',
      'process   pid  engine  memory       cpu  cpu time',
      'daemon     42  -        90 MB   12 ms/s     1.5 s',
      'core     1043  eng_a   101 MB  345 ms/s     0.0 s',
    ]);
  });

  it('until when a node drains', () => {
    const draining = { ...STATUS, draining: true, drainDeadlineUs: (NOW_MS + 90_000) * 1000 };
    assert.equal(
      statusLines(draining, 'unix:/s', NOW_MS)[2],
      'state           draining: no new engines, 2 engines left, which end at 2023-11-14T23:16:55.000Z (in 1 min 30 s)',
    );
  });

  it('engines with the most of what they are sorted by first, equal ones by their id', () => {
    const ids = (key: Parameters<typeof sorted>[1]): string[] =>
      sorted(STATUS.engineStatuses, key).map(({ engineId }) => engineId);
    assert.deepEqual(ids('cpu'), ['eng_a', 'eng_b']);
    assert.deepEqual(ids('memory'), ['eng_b', 'eng_a']);
    assert.deepEqual(ids('streams'), ['eng_a', 'eng_b']);
    assert.deepEqual(ids('channel'), ['eng_b', 'eng_a']);
    const lines = topLines(STATUS, 'memory', NOW_MS);
    assert.equal(lines[0], 'alirtcd 1.2.3, up 1 h 2 min, engines 2 of 64, by memory');
    assert.equal(lines[2], 'daemon 90 MB 12 ms/s');
    assert.match(lines[5] ?? '', /^eng_b +ready +- +- +0\+0 +300 MB +1 ms\/s +7 ms\/s$/);
  });

  it('leases, and whether somebody is there', () => {
    assert.equal(leaseText({ leaseSeconds: 0, inUse: false }), 'detached');
    assert.equal(leaseText({ leaseSeconds: 30, inUse: true }), '30 s, in use');
    assert.ok(STATE_NAMES.includes('joined') && STATE_NAMES.includes('restarting'));
    assert.ok(!STATE_NAMES.includes('unspecified') && !STATE_NAMES.includes('unrecognized'));
  });

  it('log lines: time, level, engine, text, then the rest; what is no JSON as it is', () => {
    const record = { level: 'warn', time: 'T', pid: 1, name: 'alirtcd', engineId: 'e', msg: 'lost', ms: 5, why: 'a b' };
    assert.equal(logText(JSON.stringify(record)), 'T  warn   e  lost  ms=5  why="a b"');
    assert.equal(logText('boom\u001b[31m'), 'boom [31m');
  });

  it('settings as YAML with their places, and what waits for what', () => {
    const response = GetConfigResponse.fromPartial({
      file: '/etc/a.yaml',
      settings: [
        {
          name: 'max-engines',
          value: '64',
          origin: 'default',
          reloadable: true,
          pending: { value: '9', origin: 'f:1' },
        },
        { name: 'keys', value: '', origin: 'default', pending: { value: '"/k"', origin: 'f:2' } },
      ],
      fault: 'f:3: wrong\nf:4: wrong, too',
    });
    assert.deepEqual(configLines(response), [
      'max-engines: 64   # default',
      '# keys is not set # default',
      '',
      '# waits for SIGHUP:',
      '#   max-engines: 9 # f:1',
      '# waits for a restart:',
      '#   keys: "/k" # f:2',
      '# the configuration cannot be taken as it is now; SIGHUP would change nothing:',
      '#   f:3: wrong',
      '#   f:4: wrong, too',
      '# file: /etc/a.yaml',
    ]);
  });
});
