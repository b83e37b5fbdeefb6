import { FilePlayer } from '../../../client/media/index.js';
import { ChannelProfile, type Engine } from '../../../client/index.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { ConsoleView } from './console_view.js';
import type { Site } from './site.js';

/** A channel with a bot that plays numbered pictures and a tone, an engine that receives it, and a person's browser. */
export class ConsoleScene implements AsyncDisposable {
  readonly #closers: (() => Promise<unknown>)[] = [];
  readonly #views: ConsoleView[] = [];

  private constructor(
    readonly site: Site,
    readonly channel: ChannelScene,
  ) {}

  static async open(site: Site): Promise<ConsoleScene> {
    return new ConsoleScene(site, await ChannelScene.open(site.daemon));
  }

  get address(): string {
    return this.site.daemon.ready.console ?? '';
  }

  /** The console at a place of its own: "engines/eng_x". */
  async view(place = '', options: Parameters<typeof ConsoleView.open>[2] = {}): Promise<ConsoleView> {
    const view = await ConsoleView.open(this.site, `${this.address}#/${place}`, options);
    this.#closers.push(() => view[Symbol.asyncDispose]());
    this.#views.push(view);
    return view;
  }

  /** Of every page that is still open. */
  async screenshots(name: string): Promise<void> {
    const open = this.#views.filter(({ page }) => !page.isClosed());
    for (const [index, view] of open.entries()) await view.screenshot(`${name.replaceAll(/\W+/g, '_')}_${index + 1}`);
  }

  async player(userId = 'dj'): Promise<void> {
    const player = new FilePlayer(this.channel.client, {
      channel: this.channel.channel,
      userId,
      file: this.site.mediaFile,
      loop: true,
    });
    this.#closers.push(() => player.close());
    await player.start();
  }

  /** In the player's channel, with its profile. */
  async engine(userId: string): Promise<Engine> {
    const engine = await this.channel.engine();
    await this.channel.join(engine, userId, { channelProfile: ChannelProfile.INTERACTIVE_LIVE });
    return engine;
  }

  /** What the daemon's API tells. */
  async api<T>(path: string): Promise<T> {
    return (await (await fetch(`${this.address}api/v1/${path}`)).json()) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.#closers.reverse()) await close().catch((error: unknown) => errors.push(error));
    await this.channel[Symbol.asyncDispose]();
    if (errors.length > 0) throw errors[0];
  }
}

/** A test with a scene of its own. */
export function consoleRow(
  site: () => Site,
  title: string,
  run: (scene: ConsoleScene) => Promise<void>,
  timeoutMs = 90_000,
): void {
  it(title, async function () {
    this.timeout(timeoutMs);
    await using scene = await ConsoleScene.open(site());
    try {
      await run(scene);
    } catch (error) {
      await scene.screenshots(`failed_${title}`).catch(() => undefined);
      throw error;
    }
  });
}
