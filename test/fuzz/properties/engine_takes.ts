import assert from 'node:assert/strict';
import type { Command } from '../../../coreservice/ipc/commands.js';
import { HOST_TO_CORE, CORE_TO_HOST } from '../../../coreservice/ipc/direction.js';
import { encodeMessage } from '../../../coreservice/ipc/encoder.js';
import { ScriptedEngine } from '../../unit/engine/scripted_engine.js';
import type { Random } from '../support/random.js';

/** What a host of the interface does first, so that the states behind it are reached. */
const DECLARED = [
  ['SET_EXTERNAL_VIDEO_SOURCE', { enable: true, source: 0, renderMode: 0 }],
  ['SET_EXTERNAL_AUDIO_SOURCE', { enable: true, sampleRate: 48_000, channelsPerFrame: 1 }],
] as const;

/**
 * An engine (its room and codecs are scripted) takes the commands one after the other, in and out of a channel: nothing is thrown, no defect is told (an error
 * ERR_INNER), and all that it says can be encoded.
 */
export async function engineTakes(random: Random, commands: readonly Command[]): Promise<void> {
  const scripted = new ScriptedEngine({ defaultUrl: 'ws://127.0.0.1:1' });
  const tell = (command: Command): void => scripted.engine.handle(command);
  if (random.chance(0.7)) await scripted.join({ channelProfile: 0, publishMode: 0, subscribeMode: 0 });
  if (random.chance(0.7)) for (const [name, fields] of DECLARED) scripted.send(name, fields);
  for (const command of commands) {
    if (!HOST_TO_CORE.byName.has(command.name)) continue;
    tell(command);
    await scripted.clock.pass(random.pick([0, 0, 1, 20, 500]));
  }
  await scripted.clock.pass(3000);
  for (const { name, fields, payload } of [...scripted.told, ...scripted.statistics]) {
    const outcome = fields['alirtcd'] as { reason?: string } | undefined;
    assert.notEqual(outcome?.reason, 'INTERNAL', JSON.stringify(fields));
    encodeMessage(CORE_TO_HOST, name, fields, payload);
  }
  const closed = scripted.engine.close();
  await scripted.clock.pass(2000);
  await closed;
}
