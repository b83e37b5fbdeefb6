import { withoutTokens } from '../../common/token/token_text.js';

/** pino's levels, the least first. */
export const LINE_LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** What of a line a filter looks at. */
export interface LineFacts {
  /** Index into LINE_LEVELS; the highest for what is no line of ours. */
  level: number;
  /** Empty: it is about none. */
  engineId: string;
}

export interface LogFilter {
  /** Empty: whatever it is about. */
  engineId: string;
  /** Index into LINE_LEVELS. */
  leastLevel: number;
}

/** What is longer is cut, in characters. */
export const MAX_LINE_CHARACTERS = 16_384;
const KEPT_OF_TEXT = 8_192;

/** One line of the log; what it says is looked into when somebody asks, once. */
export class LogLine {
  /** Counts all lines from 1. */
  readonly sequence: number;
  /** JSON without a line end. */
  readonly text: string;
  #facts: LineFacts | undefined;

  constructor(sequence: number, written: string) {
    this.sequence = sequence;
    const text = written.trimEnd();
    this.text = text.length > MAX_LINE_CHARACTERS ? shortened(text) : text;
  }

  fits({ engineId, leastLevel }: LogFilter): boolean {
    if (engineId === '' && leastLevel === 0) return true;
    const facts = (this.#facts ??= factsOf(this.text));
    return facts.level >= leastLevel && (engineId === '' || facts.engineId === engineId);
  }

  /** For readers: whatever looks like a token is blotted out once more. */
  get shown(): string {
    return withoutTokens(this.text);
  }
}

function recordOf(text: string): Record<string, unknown> {
  try {
    const record: unknown = JSON.parse(text);
    return typeof record === 'object' && record !== null ? (record as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function factsOf(text: string): LineFacts {
  const { level, engineId } = recordOf(text);
  const index = LINE_LEVELS.indexOf(String(level));
  return {
    level: index === -1 ? LINE_LEVELS.length - 1 : index,
    engineId: typeof engineId === 'string' ? engineId : '',
  };
}

function shortened(text: string): string {
  const { level, time, engineId, msg } = recordOf(text);
  const start = typeof msg === 'string' ? msg.slice(0, KEPT_OF_TEXT) : text.slice(0, KEPT_OF_TEXT);
  return JSON.stringify({ level, time, engineId, msg: start, cut: true });
}
