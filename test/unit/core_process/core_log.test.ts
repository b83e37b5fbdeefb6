import { strict as assert } from 'node:assert';
import { createLogger } from '../../../common/logger.js';
import { CoreLog } from '../../../daemon/engine/core_log.js';

function record(options: { keptLines?: number; maxLinesPerSecond?: number; now?: () => number } = {}) {
  const logged: unknown[][] = [];
  const logger = createLogger('test', 'silent');
  for (const level of ['debug', 'info', 'warn', 'error'] as const)
    logger[level] = (...args: unknown[]) => void logged.push([level, ...args]);
  const log = new CoreLog({ logger, now: () => 0, ...options }, (line) => line.startsWith('Bind port:'));
  return { logged, log };
}

describe('the log of a core process', () => {
  it('makes lines of chunks that are cut anywhere, each stream by itself', () => {
    const { log } = record();
    for (const byte of Buffer.from('one\r\n\ntwö\nthr')) log.feed('stdout', Buffer.from([byte]));
    log.feed('stderr', Buffer.from('error one\nerror t'));
    assert.deepEqual(log.lastLines, ['one', 'twö', 'error one']);
    log.end();
    assert.deepEqual(log.lastLines, ['one', 'twö', 'error one', 'thr', 'error t']);
  });

  it('keeps only the last lines', () => {
    const { log } = record({ keptLines: 2 });
    log.feed('stdout', Buffer.from('1\n2\n3\n4\n'));
    assert.deepEqual(log.lastLines, ['3', '4']);
  });

  it('cuts a line at 4 KiB and says how much is missing', () => {
    const { log } = record();
    for (let index = 0; index < 100; index++) log.feed('stderr', Buffer.alloc(100, 'x'));
    log.feed('stderr', Buffer.from('\nnext\n'));
    assert.deepEqual(log.lastLines, [`${'x'.repeat(4096)} [5904 more bytes]`, 'next']);
  });

  it('takes level, text and fields of lines that are our own records', () => {
    const { log, logged } = record();
    log.feed('stderr', Buffer.from('{"level":"error","time":"t","pid":1,"name":"core","uid":"bob","msg":"lost"}\n'));
    log.feed('stderr', Buffer.from('{"level":"shout","msg":"x"}\n{"level":\n'));
    assert.deepEqual(logged, [
      ['error', { uid: 'bob' }, 'lost'],
      ['info', { stream: 'stderr' }, '{"level":"shout","msg":"x"}'],
      ['info', { stream: 'stderr' }, '{"level":'],
    ]);
  });

  it('never logs or keeps a token', () => {
    const { log, logged } = record();
    const token = Buffer.from('{"appid":"abc","channelid":"abcChannel","userid":"abcUser"}').toString('base64');
    log.feed('stdout', Buffer.from(`joining with ${token}\n`));
    assert.deepEqual(log.lastLines, ['joining with [redacted]']);
    assert.deepEqual(logged, [['info', { stream: 'stdout' }, 'joining with [redacted]']]);
  });

  it('logs a flood only in part, and says how much it left out', () => {
    let nowMs = 0;
    const { log, logged } = record({ maxLinesPerSecond: 2, now: () => nowMs });
    log.feed('stdout', Buffer.from('1\n2\n3\n4\n5\n'));
    nowMs = 1000;
    log.feed('stdout', Buffer.from('6\n'));
    assert.deepEqual(
      logged.map((entry) => entry.at(-1)),
      ['1', '2', 'the core printed more than is logged', '6'],
    );
    assert.deepEqual(logged[2]?.[1], { lines: 3 });
    assert.deepEqual(log.lastLines, ['1', '2', '3', '4', '5', '6']);
  });

  it('leaves out the lines that are no log lines', () => {
    const { log, logged } = record();
    log.feed('stdout', Buffer.from('Bind port: 42000\nready\n'));
    log.feed('stderr', Buffer.from('Bind port: 1\n'));
    assert.deepEqual(log.lastLines, ['ready', 'Bind port: 1']);
    assert.equal(logged.length, 2);
  });
});
