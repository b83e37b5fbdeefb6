import { setTimeout as delay } from 'node:timers/promises';
import { residentBytes } from '../../integration/bad_input/footprint.js';
import { KEYS, tokenFor } from '../../integration/channelserver/running_server.js';
import { HostedCore, joinConfig } from '../../integration/core/support.js';
import { RtcPeer } from '../../support/rtc_peer/index.js';
import type { MediaTransport } from '../../../webrtc/media_transport.js';
import { corpus } from '../support/corpus.js';
import { startLocalServer } from '../support/local_server.js';
import { mutate } from '../support/mutate.js';
import { Random } from '../support/random.js';
import type { Finding } from '../support/report.js';
import { UdpNoise } from '../support/udp_noise.js';
import { portsOf } from '../support/udp_ports.js';
import { defectsIn } from './defects.js';
import { indexes, persistently, textOf, within, type LiveTarget } from './live_target.js';
import { Witness } from './witness.js';

const ROOM = 'media';
/** Pictures and sound have to come again after the attack: a key frame has to be asked for and made. */
const RECOVER_MS = 30_000;
const MAX_RESIDENT_BYTES = 800e6;
const EVERYBODY = { uid: '*', track: -1 };
const DEMAND = {
  pictures: [EVERYBODY],
  encoded: [EVERYBODY],
  audio: [{ uid: '*', sampleRate: 16_000, channels: 1 }],
  mixed: [{ sampleRate: 16_000, channels: 1 }],
  audioAac: [{ uid: '*' }],
  mixedAac: true,
};

/** What the server's media connections to the core do with what they send. */
class Attack {
  random: Random | undefined;
  share = 0;
  packets = 0;
  changed = 0;
  /** Connections that were made from now on are the core's. */
  isOn = false;

  readonly watch = (transport: MediaTransport): void => {
    if (!this.isOn) return;
    for (const name of ['sendRtp', 'sendRtcp'] as const) {
      const send = transport[name].bind(transport);
      const real = corpus(name === 'sendRtp' ? 'rtp' : 'rtcp');
      transport[name] = (packet) => {
        this.packets += 1;
        const { random } = this;
        if (random === undefined || !random.chance(this.share)) return send(packet);
        this.changed += 1;
        try {
          if (random.chance(0.2)) send(packet);
          const head = packet.subarray(0, 12);
          // Whole heads lead further in; the others are for the parser.
          const bytes = random.chance(0.7)
            ? Buffer.concat([head, mutate(random, packet.subarray(12), real)])
            : mutate(random, packet, real);
          send(bytes.subarray(0, 1400));
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
      };
    }
  };
}

async function startCore(url: string): Promise<HostedCore> {
  const core = await HostedCore.start({ env: { ALIRTCD_LOG_LEVEL: 'warn' } });
  core.send('SET_PARAMETER', { param: JSON.stringify({ alirtcd: { demand: DEMAND } }) });
  const token = await tokenFor(ROOM, 'core');
  const config = joinConfig({ subscribeVideoFormat: 1, subscribeAudioFormat: 1 });
  core.send('JOIN_CHANNEL_V2', {
    token,
    channel: ROOM,
    userid: 'core',
    username: 'core',
    config,
    alirtcd: { url, token },
  });
  const { fields } = await core.until('JOIN_RESULT');
  if (fields.joinresult !== 0) throw new Error(`the core did not join: ${JSON.stringify(fields)}`);
  await recovered(core);
  return core;
}

/** Pictures, samples and sound come. */
async function recovered(core: HostedCore): Promise<void> {
  core.callbacks.length = 0;
  for (const name of ['DECODED_VIDEO_FRAME', 'ENCODED_VIDEO_SAMPLE', 'REMOTE_AUDIO_FRAME'] as const)
    await core.until(name, () => true, RECOVER_MS);
}

async function attackCore(random: Random, attack: Attack, core: HostedCore, noise: UdpNoise): Promise<void> {
  attack.share = random.pick([0.02, 0.2, 0.7, 1]);
  attack.random = random;
  const ports = portsOf(core.core.child.pid ?? 0);
  for (let turn = 0; turn < 10; turn++) {
    noise.send(random, ports, random.below(40));
    await delay(150);
  }
  attack.random = undefined;
  if (core.core.child.exitCode !== null || core.core.child.signalCode !== null) throw new Error('the core ended');
  await recovered(core);
  const defects = defectsIn(core.core.stderr.split('\n'));
  if (defects.length > 0) throw new Error(defects.slice(0, 3).join('\n'));
  const bytes = residentBytes(core.core.child.pid ?? 0);
  if (bytes > MAX_RESIDENT_BYTES) throw new Error(`the core has ${Math.round(bytes / 1e6)} MB`);
}

export const MEDIA_OF_THE_CORE: LiveTarget = {
  name: 'core',
  run: async (options) => {
    const findings: Finding[] = [];
    const attack = new Attack();
    const server = await startLocalServer(KEYS, attack.watch);
    const peer = await persistently(() => RtcPeer.start());
    await peer.call('connect', { url: server.url, token: await tokenFor(ROOM, 'peer') });
    await peer.call('publish_video', { width: 320, height: 180, framesPerSecond: 15, codec: 'h264' });
    await peer.call('publish_video', { width: 320, height: 180, framesPerSecond: 10, codec: 'vp8', source: 'screen' });
    await peer.call('publish_audio', { frequency: 440 });
    const witness = await persistently(() => Witness.start(server.url, ROOM));
    const noise = await UdpNoise.open();
    attack.isOn = true;
    let core: HostedCore | undefined;
    let attacks = 0;
    for (const index of indexes(options)) {
      try {
        core ??= await startCore(server.url);
        await attackCore(new Random(`${options.seed}/core/${index}`), attack, core, noise);
        attacks += 1;
        const complaint = witness.complaint();
        if (complaint !== undefined) throw new Error(complaint);
      } catch (error) {
        attack.random = undefined;
        findings.push({ case: `core:${index}`, text: `${textOf(error)}\n${core?.core.stderr.slice(-1500)}` });
        await core?.[Symbol.asyncDispose]();
        core = undefined;
      }
      if (findings.length >= 8) break;
    }
    if (core !== undefined) {
      const code = await within(8000, 'the end of the core', core.destroy()).catch(textOf);
      if (code !== 0) findings.push({ case: 'core:end', text: `the core ended with ${code}` });
      await core[Symbol.asyncDispose]();
    }
    await noise[Symbol.asyncDispose]();
    await witness[Symbol.asyncDispose]();
    await peer.close();
    await server.close();
    const { packets, changed } = attack;
    return { counts: { attacks, packets, changed, noise: noise.sent, 'witnessed packets': witness.packets }, findings };
  },
};
