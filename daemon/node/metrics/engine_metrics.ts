import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { CoreRestartStep, EndCause, EngineState } from '../../../gen/alirtc/v1/events.js';
import type { EngineRegistry } from '../../engine/engine_registry.js';
import type { EngineSession } from '../../engine/engine_session.js';
import type { LoggedEvent } from '../../events/event_log.js';

const CREATE_BUCKETS = [0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10];
const JOIN_BUCKETS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 7.5, 10, 15];
const STATES = Object.values(EngineState).filter((state) => typeof state === 'number' && state > 0) as EngineState[];
const CAUSES = Object.values(EndCause).filter((cause) => typeof cause === 'number' && cause > 0) as EndCause[];

/** Engines by state, how long they take to be created and to join, how they end, and restarts of their cores: from their events. */
export class EngineMetrics {
  readonly #created: Histogram;
  readonly #joined: Histogram<'result'>;
  readonly #ended: Counter<'cause'>;
  readonly #restarts: Counter<'outcome'>;

  constructor(register: Registry, registry: Pick<EngineRegistry, 'list' | 'onCreated'>, maxEngines: () => number) {
    const registers = [register];
    new Gauge({
      name: 'alirtcd_engines',
      help: 'Engines by state.',
      labelNames: ['state'],
      registers,
      collect() {
        for (const state of STATES) this.set({ state: stateName(state) }, 0);
        for (const { model } of registry.list()) this.inc({ state: stateName(model.state) });
      },
    });
    new Gauge({
      name: 'alirtcd_engines_limit',
      help: 'The setting max-engines.',
      registers,
      collect() {
        this.set(maxEngines());
      },
    });
    this.#created = new Histogram({
      name: 'alirtcd_engine_create_duration_seconds',
      help: 'From the creation of an engine to the first answer of its core.',
      buckets: CREATE_BUCKETS,
      registers,
    });
    this.#joined = new Histogram({
      name: 'alirtcd_channel_join_duration_seconds',
      help: 'From an accepted join to its result.',
      labelNames: ['result'],
      buckets: JOIN_BUCKETS,
      registers,
    });
    this.#ended = new Counter({
      name: 'alirtcd_engines_ended_total',
      help: 'Engines that ended, by cause.',
      labelNames: ['cause'],
      registers,
    });
    for (const cause of CAUSES) this.#ended.inc({ cause: EndCause[cause].toLowerCase() }, 0);
    this.#restarts = new Counter({
      name: 'alirtcd_core_restarts_total',
      help: 'Core processes that died or hung ("lost"), attempts that failed, and restarts that brought the engine back ("completed").',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of Object.values(OUTCOMES)) this.#restarts.inc({ outcome }, 0);
    registry.onCreated((session) => this.#follow(session));
  }

  #follow(session: EngineSession): void {
    const createdUs = session.clock.nowMs() * 1000;
    let joiningUs: number | undefined;
    let isNew = true;
    session.log.onAppend(({ event, timeUs }: LoggedEvent) => {
      if (event.$case === 'engineStateChanged') {
        const { newState } = event.value;
        if (newState === EngineState.JOINING) joiningUs = timeUs;
        if (newState !== EngineState.READY || !isNew) return;
        isNew = false;
        this.#created.observe(Math.max(0, timeUs - createdUs) / 1e6);
      } else if (event.$case === 'onJoinChannelResult' && joiningUs !== undefined) {
        const result = event.value.result === 0 ? 'ok' : 'error';
        this.#joined.observe({ result }, (timeUs - joiningUs) / 1e6);
        joiningUs = undefined;
      } else if (event.$case === 'coreRestart') {
        const outcome = OUTCOMES[event.value.step];
        if (outcome !== undefined) this.#restarts.inc({ outcome });
      } else if (event.$case === 'ended') this.#ended.inc({ cause: EndCause[event.value.cause].toLowerCase() });
    });
  }
}

const OUTCOMES: Readonly<Partial<Record<CoreRestartStep, string>>> = {
  [CoreRestartStep.LOST]: 'lost',
  [CoreRestartStep.ATTEMPT_FAILED]: 'attempt_failed',
  [CoreRestartStep.COMPLETED]: 'completed',
};

function stateName(state: EngineState): string {
  return EngineState[state].toLowerCase();
}
