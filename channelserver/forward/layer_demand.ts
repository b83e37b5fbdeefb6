/** How long a layer that nobody asks for any more goes on: subscribers come and go in moments, encoders do not. */
const LOWER_AFTER_MS = 5000;

/** Which layers of a track somebody wants, told to the publisher so that it encodes no more: more at once, less after a while. */
export class LayerDemand {
  /** The highest layer that the publisher was told to send; -1: none. */
  #told: number;
  #wanted: number;
  #tell: (highest: number) => void;
  #timer: NodeJS.Timeout | undefined;

  /** layers: how many there are; at first all are sent. */
  constructor(layers: number, tell: (highest: number) => void) {
    this.#told = layers - 1;
    this.#wanted = layers - 1;
    this.#tell = tell;
  }

  /** highest: of what all subscribers ask for; -1: nobody wants any. */
  update(highest: number): void {
    this.#wanted = highest;
    if (highest > this.#told) {
      this.#apply();
    } else if (highest < this.#told) {
      this.#timer ??= setTimeout(() => this.#apply(), LOWER_AFTER_MS);
    } else {
      this.#stop();
    }
  }

  close(): void {
    this.#stop();
    this.#tell = () => undefined;
  }

  #apply(): void {
    this.#stop();
    if (this.#wanted === this.#told) return;
    this.#told = this.#wanted;
    this.#tell(this.#told);
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
