/** Packets that go out in one go. A receiver's default socket buffer holds about 90 of them. */
const BURST_PACKETS = 16;
const INTERVAL_MS = 2;
/** More waiting than this means that the producer is far faster than any wire: 4096 packets are 4.7 MB. */
const MAX_WAITING = 4096;

/** Spreads large key frames over some milliseconds (up to about 70 Mbit/s), so that no socket buffer on the way overflows. Order is kept. */
export class Pacer {
  readonly #waiting: (() => void)[] = [];
  #read = 0;
  #timer: NodeJS.Timeout | undefined;
  #credit = BURST_PACKETS;
  #creditAtMs = 0;

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  get waiting(): number {
    return this.#waiting.length - this.#read;
  }

  /** True when `count` more packets fit; a frame that does not fit must be left out whole. */
  hasRoom(count: number): boolean {
    return this.waiting + count <= MAX_WAITING;
  }

  push(send: () => void): void {
    this.#refill();
    if (this.waiting === 0 && this.#credit > 0) {
      this.#credit -= 1;
      send();
      return;
    }
    this.#waiting.push(send);
    this.#timer ??= setTimeout(() => this.#drain(), INTERVAL_MS);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.length = 0;
    this.#read = 0;
  }

  #refill(): void {
    const now = this.nowMs();
    const intervals = Math.floor((now - this.#creditAtMs) / INTERVAL_MS);
    if (intervals <= 0) return;
    this.#creditAtMs = now;
    this.#credit = Math.min(BURST_PACKETS * 2, this.#credit + BURST_PACKETS * intervals);
  }

  #drain(): void {
    this.#timer = undefined;
    this.#refill();
    while (this.#credit > 0) {
      const send = this.#waiting[this.#read];
      if (send === undefined) break;
      this.#read += 1;
      this.#credit -= 1;
      send();
    }
    if (this.waiting > 0) this.#timer = setTimeout(() => this.#drain(), INTERVAL_MS);
    else this.clear();
  }
}
