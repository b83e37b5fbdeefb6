import { setTimeout as delay } from 'node:timers/promises';
import { RunningServer, tokenFor } from '../../integration/channelserver/running_server.js';
import { HostedCore, joinConfig } from '../../integration/core/support.js';
import { residentBytes } from '../../integration/bad_input/footprint.js';
import { corpus } from '../support/corpus.js';
import { Random } from '../support/random.js';
import type { Finding } from '../support/report.js';
import { oddFrame } from '../support/signal_messages.js';
import { SignalProxy, type Frames } from '../support/signal_proxy.js';
import { defectsIn } from './defects.js';
import { indexes, persistently, textOf, within, type LiveTarget } from './live_target.js';
import { Witness } from './witness.js';

const ROOM = 'hostile';
const WORKERS = 2;
/** A join answers in eleven seconds; the rest is for a loaded machine. */
const JOIN_MS = 30_000;
const LEAVE_MS = 15_000;
const EXIT_MS = 15_000;
/** Joins of one core process. */
const STAYS = 6;
const MAX_RESIDENT_BYTES = 700e6;

/** A server that says now and then something else, or more, than it should. */
function hostile(random: Random): (frame: Buffer, first: boolean) => Frames {
  const share = random.pick([0.05, 0.3, 0.9]);
  const firstShare = random.pick([0, 0, 0.5]);
  return (frame, first) => {
    const frames: (Buffer | string)[] = [];
    // Most stays shall get beyond the join.
    frames.push(random.chance(first ? firstShare : share) ? oddFrame(random, 'signal_responses', frame) : frame);
    if (first) return frames;
    while (random.chance(share / 2))
      frames.push(oddFrame(random, 'signal_responses', random.pick(corpus('signal_responses'))));
    if (random.chance(share / 20)) frames.push(random.chance(0.5) ? 'text' : random.bytes(random.size(3000)));
    return random.chance(share / 20) ? [] : frames;
  };
}

/** Joins and leaves; both are answered, whatever the server says meanwhile. */
async function stay(random: Random, core: HostedCore, url: string, userid: string): Promise<'joined' | 'refused'> {
  const token = await tokenFor(ROOM, userid);
  const begin = core.callbacks.length;
  const fresh = (name: string): boolean => core.callbacks.slice(begin).some((callback) => callback.name === name);
  const config = joinConfig({ subscribeVideoFormat: random.below(2), subscribeAudioFormat: random.below(3) });
  core.send('JOIN_CHANNEL_V2', { token, channel: ROOM, userid, username: userid, config, alirtcd: { url, token } });
  const told = async (name: string): Promise<void> => {
    while (!fresh(name)) {
      if (core.core.child.exitCode !== null || core.core.child.signalCode !== null) throw new Error('the core ended');
      await delay(20);
    }
  };
  await within(JOIN_MS, 'the result of the join', told('JOIN_RESULT'));
  const result = core.callbacks.slice(begin).find((callback) => callback.name === 'JOIN_RESULT');
  const joined = result?.name === 'JOIN_RESULT' && result.fields.joinresult === 0;
  if (joined) await delay(random.pick([200, 800, 1500]));
  core.send('LEAVE_CHANNEL', {});
  if (joined) await within(LEAVE_MS, 'the result of the leave', told('LEAVE_RESULT'));
  core.send('GET_SDK_VERSION', {});
  await within(LEAVE_MS, 'an answer', told('SDK_VERSION'));
  core.callbacks.length = 0;
  return joined ? 'joined' : 'refused';
}

export const SIGNALS_OF_THE_CORE: LiveTarget = {
  name: 'core',
  run: async (options) => {
    const findings: Finding[] = [];
    const counts = { joined: 0, refused: 0, frames: 0, changed: 0 };
    await using server = await persistently(() => RunningServer.start());
    await using witness = await persistently(() => Witness.start(server.url, ROOM));
    const steps = indexes(options);
    const work = async (_: unknown, worker: number): Promise<void> => {
      await using proxy = await SignalProxy.start(server.url);
      let core: HostedCore | undefined;
      let stays = 0;
      for (const index of steps) {
        const random = new Random(`${options.seed}/core/${index}`);
        const change = hostile(random);
        proxy.hooks = {
          toClient: (frame, first) => {
            const frames = change(frame, first);
            counts.frames += 1;
            if (frames.length !== 1 || frames[0] !== frame) counts.changed += 1;
            return frames;
          },
        };
        core ??= await HostedCore.start({ env: { ALIRTCD_LOG_LEVEL: 'warn' } });
        try {
          counts[await stay(random, core, proxy.url, `core-${worker}`)] += 1;
          stays += 1;
          const defects = defectsIn(core.core.stderr.split('\n'));
          if (defects.length > 0) throw new Error(defects.slice(0, 3).join('\n'));
          const bytes = residentBytes(core.core.child.pid ?? 0);
          if (bytes > MAX_RESIDENT_BYTES) throw new Error(`the core has ${Math.round(bytes / 1e6)} MB`);
          if (stays < STAYS) continue;
          const code = await within(EXIT_MS, 'the end of the core', core.destroy());
          if (code !== 0) throw new Error(`the core ended with ${code}`);
        } catch (error) {
          findings.push({ case: `core:${index}`, text: `${textOf(error)}\n${core.core.stderr.slice(-1500)}` });
        }
        await core[Symbol.asyncDispose]();
        core = undefined;
        stays = 0;
        if (findings.length >= 10) break;
      }
      await core?.[Symbol.asyncDispose]();
    };
    await Promise.all(Array.from({ length: WORKERS }, work));
    const complaint = witness.complaint();
    if (complaint !== undefined) findings.push({ case: 'core:end', text: complaint });
    return { counts, findings };
  },
};
