import { EventEmitter } from 'node:events';
import type { BrowserContext, Page } from 'playwright-core';
import type { PageCommandName, PageCommands, PageEvent } from '../page/protocol.js';

/** How many of the page's lines on its console stand in an error. */
const CONSOLE_LINES = 20;

/**
 * A participant that is not ours: livekit-client in a tab of Chromium. `peer.call('connect', {...})`; every call has a deadline;
 * `peer.waitFor(predicate)` awaits an event, also one that has come already.
 */
export class BrowserPeer {
  readonly #emitter = new EventEmitter<{ event: [PageEvent] }>();
  readonly #console: string[] = [];
  #signalPaths: string[] = [];
  events: PageEvent[] = [];

  private constructor(
    readonly page: Page,
    private readonly url: string,
  ) {
    this.#emitter.setMaxListeners(0);
    page.on('console', (message) => this.#note(`${message.type()}: ${message.text()}`));
    page.on('websocket', (socket) => this.#signalPaths.push(new URL(socket.url()).pathname));
    page.on('pageerror', (error) => this.#note(`error: ${error.message}`));
  }

  static async open(context: BrowserContext, url: string): Promise<BrowserPeer> {
    const page = await context.newPage();
    const peer = new BrowserPeer(page, url);
    await page.exposeFunction('alirtcEvent', (event: PageEvent) => peer.#onEvent(event));
    await page.goto(url, { timeout: 20_000 });
    return peer;
  }

  #note(line: string): void {
    this.#console.push(line.slice(0, 500));
    if (this.#console.length > CONSOLE_LINES) this.#console.shift();
  }

  #onEvent(event: PageEvent): void {
    this.events.push(event);
    this.#emitter.emit('event', event);
  }

  async call<N extends PageCommandName>(
    command: N,
    params: PageCommands[N]['params'],
    timeoutMs = 20_000,
  ): Promise<PageCommands[N]['result']> {
    const call = `window.alirtcPage(${JSON.stringify(command)}, ${JSON.stringify(params)})`;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      return await Promise.race([this.page.evaluate<PageCommands[N]['result']>(call), late]);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`the page failed in "${command}": ${reason}\n${this.#console.join('\n')}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** The first event, past or future, for which the predicate holds. */
  waitFor(predicate: (event: PageEvent) => boolean, timeoutMs = 20_000): Promise<PageEvent> {
    const past = this.events.find(predicate);
    if (past !== undefined) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#emitter.off('event', listener);
        const seen = this.events.map((e) => JSON.stringify(e)).join(', ');
        reject(new Error(`no such event of the page in ${timeoutMs} ms; seen: ${seen}\n${this.#console.join('\n')}`));
      }, timeoutMs);
      const listener = (event: PageEvent): void => {
        if (!predicate(event)) return;
        clearTimeout(timer);
        this.#emitter.off('event', listener);
        resolve(event);
      };
      this.#emitter.on('event', listener);
    });
  }

  /** Paths of the WebSockets that the page has opened since the last call. */
  takeSignalPaths(): string[] {
    return this.#signalPaths.splice(0);
  }

  /** As a person does it with F5: what the page was ends without a word of its own, and its events are forgotten. */
  async reload(): Promise<void> {
    await this.page.reload({ timeout: 20_000 });
    this.events = [];
  }

  /** Closes the tab. */
  async close(): Promise<void> {
    await this.page.close({ runBeforeUnload: false });
  }
}
