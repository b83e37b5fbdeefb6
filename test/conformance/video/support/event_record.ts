import type { AlirtcEvent, Engine, EventOf, EventStream, EventType } from '../../../../client/index.js';
import { eventually } from '../../../support/eventually.js';

/** All events of an engine, kept; open it before what makes them. */
export class EventRecord implements Disposable {
  readonly all: AlirtcEvent[] = [];
  readonly #stream: EventStream;

  constructor(engine: Engine) {
    this.#stream = engine.events();
    void this.#run();
  }

  async #run(): Promise<void> {
    for await (const event of this.#stream) this.all.push(event);
  }

  of<Type extends EventType>(type: Type): EventOf<Type>[] {
    return this.all.filter((event): event is EventOf<Type> => event.type === type);
  }

  /** The first one, past or to come, for which the predicate holds. */
  async first<Type extends EventType>(
    type: Type,
    predicate: (value: EventOf<Type>['value']) => boolean = () => true,
    timeoutMs = 10_000,
  ): Promise<EventOf<Type>['value']> {
    let found: EventOf<Type> | undefined;
    await eventually(() => {
      found = this.of(type).find((event) => predicate(event.value));
      return found === undefined ? `no such ${type}; seen: ${this.all.map((e) => e.type).join(', ')}` : undefined;
    }, timeoutMs);
    if (found === undefined) throw new Error(`no ${type}`);
    return found.value;
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
  }
}
