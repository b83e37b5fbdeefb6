import { Inspector } from './inspector.js';

export interface HeapFigures {
  /** Of JavaScript, behind a full collection. */
  heapMb: number;
  /** Buffers and what native code told V8 of, behind a full collection. */
  externalMb: number;
  /** What keeps an event loop going (process.getActiveResourcesInfo), counted by kind. */
  resources: Record<string, number>;
  /** The longest since the last figures. */
  loopDelayMs: number;
}

const START = `
  globalThis.soakLoopDelay = process.getBuiltinModule('node:perf_hooks').monitorEventLoopDelay({ resolution: 10 });
  soakLoopDelay.enable()`;
const READ = `(() => {
  const { heapUsed, external } = process.memoryUsage();
  const resources = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return { heapUsed, external, resources };
})()`;
// Read before the collection, which is a delay too.
const DELAY = '(() => { const longest = soakLoopDelay.max; soakLoopDelay.reset(); return longest / 1e6; })()';

/** The heap of one process, by its inspector. */
export class HeapMeter {
  private constructor(readonly inspector: Inspector) {}

  static async open(url: string): Promise<HeapMeter> {
    const inspector = await Inspector.connect(url);
    await inspector.evaluate(START);
    return new HeapMeter(inspector);
  }

  async read(): Promise<HeapFigures> {
    const loopDelayMs = await this.inspector.evaluate<number>(DELAY);
    await this.inspector.collectGarbage();
    const { heapUsed, external, resources } = await this.inspector.evaluate<{
      heapUsed: number;
      external: number;
      resources: Record<string, number>;
    }>(READ);
    await this.inspector.evaluate(DELAY);
    return { heapMb: heapUsed / 1e6, externalMb: external / 1e6, resources, loopDelayMs: Math.round(loopDelayMs) };
  }

  close(): void {
    this.inspector.close();
  }
}
