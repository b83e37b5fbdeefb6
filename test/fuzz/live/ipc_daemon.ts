import { status, type ServiceError } from '@grpc/grpc-js';
import type { GetEventHandlerResponse } from '../../../gen/alirtc/v1/events.js';
import { OnRemoteVideoSampleRequest, OnSubscribeMixAudioFrameRequest } from '../../../gen/alirtc/v1/media.js';
import { CORE_TO_HOST } from '../../../coreservice/ipc/direction.js';
import { footprintOf } from '../../integration/bad_input/footprint.js';
import { Scene } from '../../integration/daemon/scene.js';
import { eventually } from '../../support/eventually.js';
import { rpc } from '../../support/rpc.js';
import { corpus } from '../support/corpus.js';
import { bytesOf, makeMessage, oddMessage } from '../support/ipc_messages.js';
import { mutate } from '../support/mutate.js';
import { Random } from '../support/random.js';
import type { Finding } from '../support/report.js';
import { defectsIn } from './defects.js';
import { indexes, persistently, textOf, within, type LiveTarget } from './live_target.js';

const ANSWER_MS = 12_000;
const END_MS = 20_000;

function burst(random: Random): Buffer {
  const kind = random.below(10);
  if (kind < 4) return bytesOf(CORE_TO_HOST, makeMessage(random, CORE_TO_HOST, 60_000));
  if (kind < 8) return oddMessage(random, CORE_TO_HOST);
  return random.pick(corpus('ipc_callbacks'));
}

/** What a core may say to a real daemon: the engine goes on, or it ends and its events say why. */
async function attack(random: Random, scene: Scene): Promise<'went on' | 'ended'> {
  const { engineId, core } = random.chance(0.6) ? await scene.joined() : await scene.engine();
  const events: GetEventHandlerResponse[] = [];
  let error: ServiceError | undefined;
  const stream = scene.daemon.events.getEventHandler({ engineId, fromSequence: 1 });
  stream.on('data', (event: GetEventHandlerResponse) => events.push(event));
  stream.on('error', (failed: ServiceError) => (error = failed));
  const pictures = OnRemoteVideoSampleRequest.fromPartial({ engineId, localFrames: random.chance(0.5) });
  const frames = scene.daemon.media.onRemoteVideoSample(pictures);
  const sound = scene.daemon.media.onSubscribeMixAudioFrame(OnSubscribeMixAudioFrameRequest.fromPartial({ engineId }));
  for (const each of [frames, sound]) each.on('error', () => undefined).on('data', () => undefined);
  const bytes = Array.from({ length: 1 + random.size(100) }, () => burst(random));
  if (random.chance(0.5)) bytes.push(mutate(random, random.pick(bytes), corpus('ipc_callbacks')));
  core.raw(Buffer.concat(bytes));
  const ended = (): GetEventHandlerResponse | undefined => events.find(({ event }) => event?.$case === 'ended');
  try {
    const deadline = Date.now() + ANSWER_MS;
    const code = await rpc((done) =>
      scene.daemon.engines.getSdkVersion({ engineId }, { deadline } as never, done),
    ).then(
      () => status.OK,
      (failed: ServiceError) => failed.code,
    );
    if (code === status.OK) {
      if (error !== undefined && error.code !== status.RESOURCE_EXHAUSTED && error.code !== status.ABORTED)
        throw new Error(`the events of an engine that lives ended: ${error.code} ${error.details}`);
      return 'went on';
    }
    if (code !== status.UNAVAILABLE && code !== status.DEADLINE_EXCEEDED && code !== status.NOT_FOUND)
      throw new Error(`GetSdkVersion ended with ${code}`);
    // Its last message is cut off, so that everything behind it is taken for its payload.
    if (code === status.DEADLINE_EXCEEDED) core.exit(0);
    await eventually(
      () => (ended() === undefined && error === undefined ? 'the events do not end' : undefined),
      END_MS,
    );
    const last = ended()?.event;
    if (last?.$case === 'ended' && last.value.detail === '') throw new Error('the engine ended without a reason');
    if (last === undefined && error?.code !== status.RESOURCE_EXHAUSTED && error?.code !== status.ABORTED)
      throw new Error(`the events ended without an end: ${error?.code} ${error?.details}`);
    return 'ended';
  } finally {
    for (const each of [stream, frames, sound]) each.cancel();
    await within(
      END_MS,
      'Release',
      rpc((done) => scene.daemon.engines.release({ engineId }, done)),
    );
  }
}

export const DAEMON_FRAMES: LiveTarget = {
  name: 'daemon',
  run: async (options) => {
    const findings: Finding[] = [];
    const counts = { 'went on': 0, ended: 0 };
    const scene = await persistently(() => Scene.start({ flags: ['--core-restart', 'never', '--log-level', 'info'] }));
    const pid = scene.daemon.ready.pid;
    const before = footprintOf(pid);
    let seen = 0;
    for (const index of indexes(options)) {
      try {
        counts[await attack(new Random(`${options.seed}/daemon/${index}`), scene)] += 1;
        const defects = defectsIn(scene.daemon.log.slice(seen));
        if (defects.length > 0) throw new Error(defects.slice(0, 3).join('\n'));
        await eventually(() => {
          const { children } = footprintOf(pid);
          return children.length > before.children.length ? `processes are left: ${children.join()}` : undefined;
        }, END_MS);
      } catch (error) {
        findings.push({ case: `daemon:${index}`, text: textOf(error) });
        scene.cores.forget();
      }
      seen = scene.daemon.log.length;
      if (findings.length >= 10 || scene.daemon.child.exitCode !== null) break;
    }
    const { code, signal } = await scene.close();
    if (code !== 0) findings.push({ case: 'daemon:end', text: `the daemon ended with ${code ?? signal}` });
    return { counts, findings };
  },
};
