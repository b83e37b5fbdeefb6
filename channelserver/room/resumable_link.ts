import type { SignalResponse } from '@livekit/protocol';
import type { SignalLink } from './signal_link.js';

type Message = SignalResponse['message'];

/** Who says more than this to a client that is away has to begin anew with it. */
const MAX_WAITING = 512;

/** The way to a client over all its signalling connections: what is said while it has none waits for the next. */
export class ResumableLink implements SignalLink {
  #link: SignalLink | undefined;
  #waiting: Message[] = [];
  #overflowed = false;

  constructor(link: SignalLink) {
    this.#link = link;
  }

  /** It is the connection that is in use, not one whose place another has taken. */
  isCurrent(link: SignalLink): boolean {
    return this.#link === link;
  }

  send(message: Message): void {
    if (this.#link !== undefined) this.#link.send(message);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(message);
    else this.#overflowed = true;
  }

  /** The connection is gone. */
  detach(): void {
    this.#link = undefined;
  }

  /** Another connection takes its place: first this is said on it, then what has waited. False when that is not all any more. */
  attach(link: SignalLink, first: readonly Message[]): boolean {
    if (this.#overflowed) return false;
    const earlier = this.#link;
    this.#link = link;
    for (const message of [...first, ...this.#waiting]) link.send(message);
    this.#waiting = [];
    earlier?.end();
    return true;
  }

  end(): void {
    this.#waiting = [];
    this.#link?.end();
  }
}
