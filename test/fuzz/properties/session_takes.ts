import assert from 'node:assert/strict';
import pino from 'pino';
import type { Callback } from '../../../coreservice/ipc/callbacks.js';
import { EngineSession } from '../../../daemon/engine/engine_session.js';
import { serializeFrame } from '../../../daemon/media/frame_message.js';
import { frameOfCallback } from '../../../daemon/media/media_frame.js';
import { GetEventHandlerResponse } from '../../../gen/alirtc/v1/events.js';
import { GetEngineResponse } from '../../../gen/alirtc/v1/engine.js';
import { FakeClock } from '../../unit/daemon/fake_clock.js';
import { FakeCore } from '../../unit/daemon/fake_core.js';
import type { Random } from '../support/random.js';

/** Silent, but what it is told at level error is a finding. */
function strictLogger(): { logger: pino.Logger; errors: string[] } {
  const errors: string[] = [];
  const logger = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) });
  return { logger, errors };
}

/**
 * A session takes the callbacks one after the other: nothing is thrown, and every event, frame and snapshot that comes of them can be sent to a client.
 */
export async function sessionTakes(random: Random, callbacks: readonly Callback[]): Promise<void> {
  const clock = new FakeClock();
  const { logger, errors } = strictLogger();
  let core: FakeCore | undefined;
  const session = new EngineSession({
    engineId: 'eng_fuzz',
    servicePath: '/core',
    foreignCore: false,
    lowPort: 1,
    highPort: 2,
    logPath: '/tmp',
    h5mode: false,
    extra: '{}',
    keys: new Map(),
    channelServers: () => ({ urls: ['ws://127.0.0.1:1'], embedded: true }),
    eventRing: 64,
    startCore: (options) => Promise.resolve((core = new FakeCore(options))),
    coreRestart: { mode: 'never', delayMs: 0, maxDelayMs: 0, attempts: 1, windowMs: 1 },
    leaseSeconds: 0,
    heartbeat: { intervalMs: 0, limitMs: 0 },
    clock,
    logger,
  });
  await session.start();
  assert.ok(core !== undefined);
  session.log.onAppend(({ sequence, timeUs, event }) => {
    GetEventHandlerResponse.encode({ sequence, timeUs, event }).finish();
  });
  for (const callback of callbacks) {
    core.tell(callback.name, callback.fields, callback.payload);
    const frame = frameOfCallback(callback, 1_700_000_000_000_000);
    if (frame !== undefined) serializeFrame({ sequence: 1, droppedBefore: 0, discontinuity: false, frame });
    if (random.chance(0.2)) clock.advance(random.pick([1, 1000]));
  }
  GetEngineResponse.encode({ engine: session.snapshot() }).finish();
  const closed = session.close();
  for (let turn = 0; turn < 20; turn++) {
    clock.advance(1000);
    await Promise.resolve();
  }
  await closed;
  assert.deepEqual(errors, []);
}
