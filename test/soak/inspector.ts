import { once } from 'node:events';
import { WebSocket } from 'ws';

const ANSWER_MS = 60_000;
/** A heap's snapshot comes in pieces; nothing else of what is asked here is long. */
const MOST_BYTES = 256 * 1024 * 1024;

/** A Node process seen through its inspector (--inspect): what it holds, without a line of its own code for that. */
export class Inspector {
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, (answer: InspectorAnswer) => void>();
  #nextId = 1;
  #onChunk: (chunk: string) => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('message', (data) => {
      const message = JSON.parse((data as Buffer).toString()) as InspectorAnswer;
      if (message.method === 'HeapProfiler.addHeapSnapshotChunk') this.#onChunk(message.params?.chunk ?? '');
      this.#pending.get(message.id ?? 0)?.(message);
      this.#pending.delete(message.id ?? 0);
    });
    socket.on('close', () => {
      for (const answer of this.#pending.values()) answer({ error: { message: 'the process has ended' } });
      this.#pending.clear();
    });
  }

  static async connect(url: string): Promise<Inspector> {
    const socket = new WebSocket(url, { maxPayload: MOST_BYTES, perMessageDeflate: false });
    await once(socket, 'open', { signal: AbortSignal.timeout(ANSWER_MS) });
    return new Inspector(socket);
  }

  /** The value of an expression, which has to be one of JSON's. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result } = await this.#ask('Runtime.evaluate', { expression, returnByValue: true });
    if (result?.exceptionDetails !== undefined) throw new Error(`"${expression}": ${result.exceptionDetails.text}`);
    return result?.result?.value as T;
  }

  /** Twice: what the first one's finalizers let go of is collected by the second. */
  async collectGarbage(): Promise<void> {
    await this.#ask('HeapProfiler.collectGarbage');
    await this.#ask('HeapProfiler.collectGarbage');
  }

  /** The whole heap as V8's JSON, for a debugger's comparison of two of them. */
  async heapSnapshot(onChunk: (chunk: string) => void): Promise<void> {
    this.#onChunk = onChunk;
    await this.#ask('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
    this.#onChunk = () => undefined;
  }

  close(): void {
    this.#socket.terminate();
  }

  #ask(method: string, params: object = {}): Promise<InspectorAnswer> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new Error(`${method}: no answer in ${ANSWER_MS} ms`));
      }, ANSWER_MS);
      this.#pending.set(id, (answer) => {
        clearTimeout(timer);
        if (answer.error === undefined) resolve(answer);
        else reject(new Error(`${method}: ${answer.error.message}`));
      });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}

interface InspectorAnswer {
  id?: number;
  method?: string;
  params?: { chunk?: string };
  result?: { result?: { value?: unknown }; exceptionDetails?: { text: string } };
  error?: { message: string };
}

/** What Node prints when its inspector listens. */
export function inspectorUrl(lines: readonly string[]): string | undefined {
  return lines
    .map((line) => /^Debugger listening on (ws:\S+)$/.exec(line)?.[1])
    .filter((url) => url !== undefined)
    .at(-1);
}
