import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A network namespace behind a router, in a namespace of its own, that can lose UDP: packets go in and nothing comes out, no error tells of it, as behind the
 * firewall of a company. TCP always passes. Needs root, iproute2 and iptables.
 */
export class FilteredNetwork implements AsyncDisposable {
  readonly #client: string;
  readonly #router: string;

  private constructor(
    private readonly third: number,
    private readonly fourth: number,
  ) {
    this.#client = `alirtc-c-${third}-${fourth}`;
    this.#router = `alirtc-r-${third}-${fourth}`;
  }

  static async create(): Promise<FilteredNetwork> {
    const network = new FilteredNetwork(randomInt(256), 4 * randomInt(64));
    try {
      await network.#open();
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** This machine, as the namespace sees it: of RFC 2544's block for tests of networks. */
  get here(): string {
    return `198.19.${this.third}.${this.fourth + 1}`;
  }

  /** The interface that has it. */
  get interfaceName(): string {
    return `fa${this.third}x${this.fourth}`;
  }

  /** In front of a command: it runs in the namespace. */
  get prefix(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#client];
  }

  async #open(): Promise<void> {
    const { third, fourth, interfaceName } = this;
    const [routerOutside, routerInside, inside] = ['fb', 'fc', 'fd'].map((part) => `${part}${third}x${fourth}`) as [
      string,
      string,
      string,
    ];
    const [client, router] = [this.#client, this.#router];
    const outer = [1, 2].map((host) => `198.19.${third}.${fourth + host}`) as [string, string];
    const inner = [1, 2].map((host) => `198.18.${third}.${fourth + host}`) as [string, string];
    for (const name of [client, router]) await ip('netns', 'add', name);
    await ip('link', 'add', interfaceName, 'type', 'veth', 'peer', 'name', routerOutside, 'netns', router);
    await ip('-n', router, 'link', 'add', routerInside, 'type', 'veth', 'peer', 'name', inside, 'netns', client);
    await ip('address', 'add', `${outer[0]}/30`, 'dev', interfaceName);
    await ip('link', 'set', interfaceName, 'up');
    for (const [namespace, address, device] of [
      [router, outer[1], routerOutside],
      [router, inner[0], routerInside],
      [client, inner[1], inside],
    ] as const) {
      await ip('-n', namespace, 'address', 'add', `${address}/30`, 'dev', device);
      await ip('-n', namespace, 'link', 'set', device, 'up');
    }
    for (const namespace of [client, router]) await ip('-n', namespace, 'link', 'set', 'lo', 'up');
    await ip('-n', client, 'route', 'add', 'default', 'via', inner[0]);
    // It goes with the interface.
    await ip('route', 'add', `198.18.${third}.${fourth}/30`, 'via', outer[1]);
    await ip('netns', 'exec', router, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
  }

  /** From now on no UDP passes the router, either way. */
  async loseUdp(): Promise<void> {
    await this.#filter('-I');
  }

  async passUdp(): Promise<void> {
    await this.#filter('-D');
  }

  /** UDP packets that the router has lost. */
  async lostPackets(): Promise<number> {
    const { stdout } = await run('ip', ['netns', 'exec', this.#router, 'iptables', '-L', 'FORWARD', '-v', '-x', '-n']);
    return Number(/^\s*(\d+)\s+\d+\s+DROP/m.exec(stdout)?.[1] ?? 0);
  }

  async #filter(action: '-I' | '-D'): Promise<void> {
    await ip('netns', 'exec', this.#router, 'iptables', action, 'FORWARD', '-p', 'udp', '-j', 'DROP');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The cables go with them.
    for (const name of [this.#client, this.#router]) await ip('netns', 'delete', name).catch(() => undefined);
    await ip('link', 'delete', this.interfaceName).catch(() => undefined);
  }
}

async function ip(...args: string[]): Promise<void> {
  await run('ip', args, { timeout: 10_000 });
}
