import { setTimeout as delay } from 'node:timers/promises';
import { descriptorsOf, residentBytes } from '../../integration/bad_input/footprint.js';
import { RunningServer, tokenFor } from '../../integration/channelserver/running_server.js';
import { eventually } from '../../support/eventually.js';
import { HostilePeer } from '../support/hostile_peer.js';
import { oddPacket } from '../support/media_packets.js';
import { Random } from '../support/random.js';
import type { Finding } from '../support/report.js';
import { UdpNoise } from '../support/udp_noise.js';
import { portsOf } from '../support/udp_ports.js';
import { defectsIn } from './defects.js';
import { indexes, persistently, textOf, within, type LiveTarget } from './live_target.js';
import { Witness } from './witness.js';

const ROOM = 'media';
const CONNECT_MS = 20_000;
const MAX_GROWTH_BYTES = 300e6;
const LEFT_MS = 40_000;

interface Counts {
  peers: number;
  packets: number;
  noise: number;
}

/** One peer with valid keys: some thousand broken packets on both of its connections, and noise of strangers at the ports. */
async function attack(
  random: Random,
  server: RunningServer,
  noise: UdpNoise,
  index: number,
  counts: Counts,
): Promise<void> {
  const token = await tokenFor(ROOM, `hostile-${index % 5}`);
  await using peer = await within(CONNECT_MS, 'the join', HostilePeer.join(server.url, token));
  const ssrcs = [1000 + index, 2000 + index, 3000 + index];
  const payloadTypes = await within(CONNECT_MS, 'publishing', peer.publish(ssrcs));
  const streams = ssrcs.map((ssrc, at) => ({ ssrc, payloadType: payloadTypes[at] ?? 0 }));
  const ports = portsOf(server.child.pid ?? 0);
  let sequence = random.below(65_536);
  for (let burst = 0; burst < 60; burst++) {
    for (let count = random.below(80); count > 0; count--) {
      const { bytes, isRtcp } = oddPacket(random, streams, sequence++);
      peer.send(random.chance(isRtcp ? 0.5 : 0.9) ? 'publisher' : 'subscriber', bytes, isRtcp);
      counts.packets += 1;
    }
    noise.send(random, ports, random.below(20));
    await delay(random.pick([2, 5, 20]));
  }
  counts.peers += 1;
  counts.noise = noise.sent;
}

export const MEDIA_OF_THE_SERVER: LiveTarget = {
  name: 'server',
  run: async (options) => {
    const findings: Finding[] = [];
    const counts: Counts = { peers: 0, packets: 0, noise: 0 };
    await using server = await persistently(() => RunningServer.start());
    await using witness = await persistently(() => Witness.start(server.url, ROOM));
    await using noise = await UdpNoise.open();
    const pid = server.child.pid ?? 0;
    await delay(500);
    const before = { descriptors: descriptorsOf(pid), memory: residentBytes(pid) };
    let seen = 0;
    for (const index of indexes(options)) {
      try {
        await attack(new Random(`${options.seed}/server/${index}`), server, noise, index, counts);
        const complaint = witness.complaint();
        if (complaint !== undefined) throw new Error(complaint);
        const defects = defectsIn(server.stderrLines.slice(seen));
        seen = server.stderrLines.length;
        if (defects.length > 0) throw new Error(defects.slice(0, 3).join('\n'));
      } catch (error) {
        findings.push({ case: `server:${index}`, text: textOf(error) });
      }
      if (findings.length >= 10 || server.child.exitCode !== null) break;
    }
    try {
      await eventually(() => {
        const more = descriptorsOf(pid) - before.descriptors;
        return more <= 3 ? undefined : `${more} descriptors more than at the start`;
      }, LEFT_MS);
      const grown = residentBytes(pid) - before.memory;
      if (grown > MAX_GROWTH_BYTES) throw new Error(`the server grew by ${Math.round(grown / 1e6)} MB`);
    } catch (error) {
      findings.push({ case: 'server:end', text: textOf(error) });
    }
    if (server.child.exitCode !== null)
      findings.push({ case: 'server:end', text: server.stderrLines.slice(-5).join('\n') });
    return { counts: { ...counts, 'witnessed packets': witness.packets }, findings };
  },
};
