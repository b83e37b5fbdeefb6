import type { Engine, VideoFrameInput, VideoSource } from '../../../../client/index.js';

type Draw = (number: number) => VideoFrameInput;

/** Pushes pictures through one stream by the clock until stop(). */
export class PictureFeed {
  readonly #running: Promise<unknown>;
  #stopping = false;
  #startedAt = performance.now();
  #first = 0;
  /** Pictures pushed. */
  pushed = 0;

  constructor(
    engine: Engine,
    private framesPerSecond: number,
    private draw: Draw,
    source?: VideoSource,
  ) {
    this.#running = this.#run(engine.videoPush({ source }));
    // stop() tells; until then a failure must not be an unhandled rejection.
    this.#running.catch(() => undefined);
  }

  /** Other pictures from now on; at another rate where one is given. */
  show(draw: Draw, framesPerSecond = this.framesPerSecond): void {
    this.draw = draw;
    this.framesPerSecond = framesPerSecond;
    this.#startedAt = performance.now();
    this.#first = this.pushed;
  }

  async #run(push: ReturnType<Engine['videoPush']>): Promise<void> {
    while (!this.#stopping) {
      const dueMs = this.#startedAt + ((this.pushed - this.#first) * 1000) / this.framesPerSecond;
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      await push.push(this.draw(this.pushed++));
    }
    await push.end();
  }

  /** Ends the stream; rejects with what went wrong in it. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
