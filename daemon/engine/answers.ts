import type { CallbackFields } from '../../coreservice/ipc/callbacks.js';
import { BufferDataType } from '../../coreservice/ipc/enums.js';
import { AnswerQueue } from './answer_queue.js';
import type { EngineContext } from './engine_context.js';

const ANSWER_DEADLINE_MS = 5_000;

/** The questions that the core answers with a callback of their own. */
export class Answers {
  readonly #engine: EngineContext;
  readonly #sdkVersion: AnswerQueue<string>;
  readonly #remain: AnswerQueue<{ audioBufferMs: number; videoBufferFrames: number }>;
  /** "Is a loopback latency test on?" */
  readonly testRound: AnswerQueue<boolean>;

  constructor(engine: EngineContext) {
    this.#engine = engine;
    this.#sdkVersion = new AnswerQueue('GET_SDK_VERSION', engine.clock);
    this.#remain = new AnswerQueue('GET_REMAIN_DATA_BUFFER_SIZE', engine.clock);
    this.testRound = new AnswerQueue('GET_NEED_TEST_CYCLE_ROUND', engine.clock);
  }

  sdkVersion(deadlineMs = ANSWER_DEADLINE_MS): Promise<string> {
    return this.#sdkVersion.ask(() => this.#engine.send('GET_SDK_VERSION', {}), deadlineMs);
  }

  /** 0 for the kind that is not asked for. */
  async remainBuffer(dataType: number = BufferDataType.BothAudioAndVideo): Promise<{
    audioBufferMs: number;
    videoBufferFrames: number;
  }> {
    const ask = (): void => this.#engine.send('GET_REMAIN_DATA_BUFFER_SIZE', { dataType });
    const { audioBufferMs, videoBufferFrames } = await this.#remain.ask(ask, ANSWER_DEADLINE_MS);
    // The answer may be one that came unasked, which has both.
    return {
      audioBufferMs: dataType === BufferDataType.VideoOnly ? 0 : audioBufferMs,
      videoBufferFrames: dataType === BufferDataType.AudioOnly ? 0 : videoBufferFrames,
    };
  }

  onSdkVersion({ sdkVersion }: CallbackFields<'SDK_VERSION'>): void {
    this.#sdkVersion.answer(sdkVersion);
  }

  /** Comes unasked too, with the same content. */
  onRemainBuffer(fields: CallbackFields<'REMAIN_BUFFER'>): void {
    this.#remain.answer({ audioBufferMs: fields.audioBufferSize, videoBufferFrames: fields.videoBufferSize });
  }

  /** The core is gone. */
  fail(error: Error): void {
    for (const queue of [this.#sdkVersion, this.#remain, this.testRound]) queue.fail(error);
  }
}
