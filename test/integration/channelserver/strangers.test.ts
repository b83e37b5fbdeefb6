import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../../fuzz/support/random.js';
import { UdpNoise } from '../../fuzz/support/udp_noise.js';
import { portsOf } from '../../fuzz/support/udp_ports.js';
import { Witness } from '../../fuzz/live/witness.js';
import { eventually } from '../../support/eventually.js';
import { RunningServer } from './running_server.js';

describe("Strangers at the channel server's media ports", function () {
  this.timeout(60_000);

  it('send checks, handshakes and alerts that are forged or broken, and media goes on', async () => {
    await using server = await RunningServer.start();
    await using witness = await Witness.start(server.url, 'strangers');
    await using noise = await UdpNoise.open();
    const random = new Random('strangers');
    const ports = portsOf(server.child.pid ?? 0);
    for (let burst = 0; burst < 100; burst++) {
      noise.send(random, ports, 20);
      await delay(10);
    }
    const before = witness.packets;
    await eventually(() => (witness.packets > before + 20 ? undefined : `${witness.packets - before} packets`), 20_000);
  });
});
