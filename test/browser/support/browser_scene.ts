import assert from 'node:assert/strict';
import { TokenFormat, type Engine, type JoinChannelConfig } from '../../../client/index.js';
import { ChannelScene } from '../../support/channel_scene.js';
import type { PageCommands } from '../page/protocol.js';
import { BrowserPeer } from './browser_peer.js';
import { loopbackContext, screenshot, type LoopbackContext } from './chromium.js';
import type { Site } from './site.js';

/**
 * Which of livekit-client's two signalling paths its pages take: '/rtc/v1' has one peer connection, '/rtc' two; 'fallback' tries the first one at a server
 * that has only the other; 'old' is an SDK that knows '/rtc' only, whatever it is told.
 */
export type SignalPath = '/rtc' | '/rtc/v1' | 'fallback' | 'old';

/** The WebSockets that a page opens to join, in their order. */
const OPENED: Record<SignalPath, string[]> = {
  '/rtc': ['/rtc'],
  '/rtc/v1': ['/rtc/v1'],
  fallback: ['/rtc/v1', '/rtc'],
  old: ['/rtc'],
};

type ConnectOptions = Partial<Omit<PageCommands['connect']['params'], 'url' | 'token' | 'singlePeerConnection'>>;

/**
 * A channel of its own at the site's daemon, with engines and with browsers' tabs in a context of their own. Dispose ends all of it, and fails when a page
 * asked another machine for something.
 */
export class BrowserScene implements AsyncDisposable {
  readonly #tabs: BrowserPeer[] = [];
  #shot = false;

  private constructor(
    private readonly site: Site,
    private readonly path: SignalPath,
    readonly channel: ChannelScene,
    private readonly loopback: LoopbackContext,
    /** In the names of screenshots. */
    private readonly title: string,
  ) {}

  static async open(site: Site, path: SignalPath, title: string): Promise<BrowserScene> {
    const loopback = await loopbackContext(site.browser, { viewport: { width: 1360, height: 820 } });
    return new BrowserScene(site, path, await ChannelScene.open(site.daemon), loopback, title);
  }

  /** An engine in the channel. */
  async engine(userId: string, config: Partial<JoinChannelConfig> = {}): Promise<Engine> {
    const engine = await this.channel.engine();
    await this.channel.join(engine, userId, config);
    return engine;
  }

  /** A tab whose page is in the channel. */
  async browser(identity: string, options: ConnectOptions = {}): Promise<BrowserPeer> {
    const peer = await BrowserPeer.open(this.loopback.context, this.site.pages.url);
    this.#tabs.push(peer);
    await this.connect(peer, identity, options);
    return peer;
  }

  /** Of a page that was loaded anew. */
  async connect(peer: BrowserPeer, identity: string, options: ConnectOptions = {}): Promise<void> {
    const { token, channelServerUrl } = await this.channel.client.generateToken({
      channel: this.channel.channel,
      userId: identity,
      format: TokenFormat.LIVEKIT,
    });
    const singlePeerConnection = this.path !== '/rtc';
    const url = this.site.pagesJoin ?? channelServerUrl;
    await peer.call('connect', { url, token, singlePeerConnection, ...options });
    assert.deepEqual([...new Set(peer.takeSignalPaths())], OPENED[this.path], 'the paths that livekit-client took');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.loopback.context.close();
    await this.channel[Symbol.asyncDispose]();
    assert.deepEqual(this.loopback.strangers, [], 'a page asked another machine for something');
  }

  /** Pictures of all open tabs as they are now, as test artefacts; a later call replaces none. */
  async screenshots(moment = ''): Promise<void> {
    this.#shot = true;
    for (const [index, { page }] of this.#tabs.entries()) {
      const tab = this.#tabs.length === 1 ? '' : ` ${index + 1}`;
      if (!page.isClosed()) await screenshot(page, `${this.title} ${moment}${tab}`.trim());
    }
  }

  /** Whether the row has left a picture. */
  get hasScreenshots(): boolean {
    return this.#shot;
  }
}
