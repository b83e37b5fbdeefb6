import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { status } from '@grpc/grpc-js';
import type { CreateEngineOptions, Engine } from '../../../client/index.js';
import { refused, type Refusal } from './refused.js';
import { TestBed } from './test_bed.js';

const CORES = fileURLToPath(new URL('../../support/misbehaving_core/', import.meta.url));
const core = (name: string): string => path.join(CORES, `${name}.mjs`);
const MISSING = '/nonexistent/AliRtcCoreService';
const ALLOWED = [
  'never_ready',
  'exits_at_once',
  'hangs_up',
  'half_frame',
  'floods_garbage',
  'oversize_unit',
  'endless_line',
];

const invalid = { code: status.INVALID_ARGUMENT };

const ROWS: { title: string; options: CreateEngineOptions; refusal: Refusal }[] = [
  {
    title: 'a way around the allowed core services',
    options: { coreServicePath: `${core('never_ready')}/../../../../../bin/sh` },
    refusal: { ...invalid, reason: 'CORE_SERVICE_NOT_ALLOWED', field: 'core_service_path' },
  },
  {
    title: 'an allowed core service that is not there',
    options: { coreServicePath: MISSING },
    refusal: { ...invalid, reason: 'BAD_CORE_SERVICE', field: 'core_service_path', value: MISSING },
  },
  ...(
    [
      [70_000, 80_000, 'low_port'],
      [45_000, 44_000, 'high_port'],
    ] as const
  ).map(([lowPort, highPort, field]) => ({
    title: `the ports ${lowPort} to ${highPort}`,
    options: { lowPort, highPort },
    refusal: { ...invalid, reason: 'INVALID_FIELD', field, value: String(field === 'low_port' ? lowPort : highPort) },
  })),
  ...['/', '/tmp', '/etc/alirtcd', '../outside', 'a/../../outside', 'out'].map((logPath) => ({
    title: `the log path ${logPath === 'out' ? 'by way of a link' : logPath}`,
    options: { logPath },
    refusal: { ...invalid, reason: 'LOG_PATH_NOT_ALLOWED', field: 'log_path', value: logPath },
  })),
  {
    title: 'a core that exits at once',
    options: { coreServicePath: core('exits_at_once') },
    refusal: {
      code: status.UNAVAILABLE,
      reason: 'CORE_START_FAILED',
      text: /failed to start: it exited with code \d+/,
    },
  },
  {
    title: 'a core that never says its port',
    options: { coreServicePath: core('never_ready') },
    refusal: {
      code: status.UNAVAILABLE,
      reason: 'CORE_START_FAILED',
      text: /not ready within \d+ ms; its last lines:\nstill looking for libAliRtc\.so/,
    },
  },
  ...['hangs_up', 'half_frame', 'floods_garbage', 'oversize_unit'].map((name) => ({
    title: `a core that ${name.replaceAll('_', ' ')}`,
    options: { coreServicePath: core(name) },
    refusal: { code: status.UNAVAILABLE, reason: 'CORE_DIED', text: /./ },
  })),
];

describe('bad input: creating an engine', () => {
  let bed: TestBed;
  before(async () => {
    const allowed = [...ALLOWED.map(core), MISSING].flatMap((file) => ['--core-service', file]);
    bed = await TestBed.open(allowed);
    symlinkSync('/tmp', path.join(bed.daemon.folder, 'log', 'out'));
  });
  after(() => bed[Symbol.asyncDispose]());
  afterEach(() => bed.nothingIsLeft());

  for (const { title, options, refusal } of ROWS)
    it(`with ${title} is refused`, async () => {
      await refused(bed.engine(options), refusal);
    });

  it('with the folder of another engine as log path is refused', async () => {
    const engine = await bed.engine();
    for (const logPath of [engine.engineId, `./${engine.engineId}/deep`, 'eng_aaaaaaaaaaaa'])
      await refused(bed.engine({ logPath }), {
        ...invalid,
        reason: 'LOG_PATH_NOT_ALLOWED',
        field: 'log_path',
        value: logPath,
      });
    await engine.release();
  });

  it('takes a log path below the root', async () => {
    const engine = await bed.engine({ logPath: 'mine/deep' });
    await engine.release();
  });

  it('over and over with a core that fails leaves nothing', async () => {
    for (let i = 0; i < 10; i++)
      await refused(bed.engine({ coreServicePath: core('exits_at_once') }), {
        code: status.UNAVAILABLE,
        reason: 'CORE_START_FAILED',
      });
  });

  describe('in a full port range', () => {
    let taken: Server;
    let port: number;
    beforeEach(async () => {
      taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const address = taken.address();
      port = typeof address === 'object' && address !== null ? address.port : 0;
    });
    afterEach(() => void taken.close());

    it('of one port that is taken is RESOURCE_EXHAUSTED, and goes when the port is free', async () => {
      await refused(bed.engine({ lowPort: port, highPort: port }), {
        code: status.RESOURCE_EXHAUSTED,
        reason: 'NO_FREE_PORT',
        text: new RegExp(`${port}`),
      });
      await new Promise((resolve) => taken.close(resolve));
      const engine = await bed.engine({ lowPort: port, highPort: port });
      assert.equal(engine.corePort, port);
      await engine.release();
    });

    it('of three ports holds three of four engines that are made at once', async () => {
      await new Promise((resolve) => taken.close(resolve));
      const range = { lowPort: port, highPort: Math.min(65_535, port + 2) };
      const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => bed.engine(range)));
      const made = outcomes.flatMap((outcome): Engine[] => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
      assert.equal(made.length, 3, failed.map(({ reason }) => String(reason)).join('; '));
      assert.equal(new Set(made.map(({ corePort }) => corePort)).size, 3);
      const [failure] = failed;
      await refused(Promise.reject(failure?.reason as Error), {
        code: status.RESOURCE_EXHAUSTED,
        reason: 'NO_FREE_PORT',
      });
      await made[0]?.release();
      const fourth = await bed.engine(range);
      await Promise.all([...made, fourth].map((engine) => engine.release()));
    });
  });
});

describe('bad input: odd creations', () => {
  let bed: TestBed;
  const folder = mkdtempSync(path.join(tmpdir(), 'alirtcd-odd-'));
  const textFile = path.join(folder, 'text');
  before(async () => {
    writeFileSync(textFile, 'no program\n', { mode: 0o755 });
    bed = await TestBed.open(['--core-service', textFile, '--core-service', folder, '--max-engines', '1']);
  });
  after(async () => {
    await bed[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => bed.nothingIsLeft());

  it('a folder as core service is refused by name', () =>
    refused(bed.engine({ coreServicePath: folder }), {
      ...invalid,
      reason: 'BAD_CORE_SERVICE',
      field: 'core_service_path',
      value: folder,
    }).then(() => undefined));

  // The system takes it for a shell script.
  it('a text file as core service is refused with what the shell says', () =>
    refused(bed.engine({ coreServicePath: textFile }), {
      code: status.UNAVAILABLE,
      reason: 'CORE_START_FAILED',
      text: /text failed to start: .*its last lines:\n.*not found/,
    }).then(() => undefined));

  it('one engine more than the operator allows is refused, and the limit is named', async () => {
    const engine = await bed.engine();
    const error = await refused(bed.engine(), { code: status.RESOURCE_EXHAUSTED, reason: 'TOO_MANY_ENGINES' });
    assert.equal(error.metadata['limit'], '1');
    await engine.release();
  });
});
