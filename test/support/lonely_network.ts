import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A network namespace with one cable to this machine and no other way out: what runs in it reaches this machine under one address only, so whatever
 * listens on 127.0.0.1 here is out of its reach. Needs root and iproute2.
 */
export class LonelyNetwork implements AsyncDisposable {
  private constructor(
    private readonly name: string,
    /** This machine, as the namespace sees it. */
    readonly here: string,
    /** The namespace's own address. */
    readonly there: string,
  ) {}

  static async create(): Promise<LonelyNetwork> {
    const [third, fourth] = [randomInt(256), 4 * randomInt(64)];
    const name = `alirtc-${third}-${fourth}`;
    // Of RFC 2544's block for tests of networks.
    const [here, there] = [1, 2].map((host) => `198.18.${third}.${fourth + host}`) as [string, string];
    const network = new LonelyNetwork(name, here, there);
    const [outside, inside] = [`va${third}x${fourth}`, `vb${third}x${fourth}`];
    try {
      await ip('netns', 'add', name);
      await ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', name);
      await ip('address', 'add', `${here}/30`, 'dev', outside);
      await ip('link', 'set', outside, 'up');
      await ip('-n', name, 'address', 'add', `${there}/30`, 'dev', inside);
      await ip('-n', name, 'link', 'set', inside, 'up');
      await ip('-n', name, 'link', 'set', 'lo', 'up');
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** In front of a command: it runs in the namespace. */
  get prefix(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The cable goes with it.
    await ip('netns', 'delete', this.name).catch(() => undefined);
  }
}

async function ip(...args: string[]): Promise<void> {
  await run('ip', args, { timeout: 10_000 });
}
