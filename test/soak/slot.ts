import { CreateAliRTCEngineRequest, EngineServiceService } from '../../gen/alirtc/v1/engine.js';
import { AlirtcClient, type Engine } from '../../client/index.js';
import { act, pause } from './actions.js';
import type { Excuses } from './excuses.js';
import type { Feed } from './feed.js';
import type { FlowWatch } from './flow_watch.js';
import {
  CHANNELS,
  LEASE_SECONDS,
  type ClientFigures,
  type FromClient,
  type Pace,
  type SlotParameters,
} from './protocol.js';
import { Random } from './random.js';
import { Roster } from './roster.js';
import { Session, type AttemptOptions, type SlotTools } from './session.js';

export interface SlotOptions {
  parameters: SlotParameters;
  pace: Pace;
  client: AlirtcClient;
  watch: FlowWatch;
  excuses: Excuses;
  figures: ClientFigures;
  report: (message: FromClient) => void;
}

/** An excuse may be on its way when what it excuses is seen. */
const JUDGED_AFTER_MS = 1_000;
const MOST_SESSIONS = 3;
const SHARES = { abandoned: 0.2, ownConnection: 0.25, anchored: 0.7, keptFeed: 0.3 } as const;
const DATA_CHANNEL = { data: { enablePubDataChannel: true, enableSubDataChannel: true } };

/** One place for an engine: life after life, by a seeded script, until it is told to stop. */
export class Slot {
  readonly #options: SlotOptions;
  readonly #random: Random;
  readonly #judgements = new Set<Promise<void>>();
  #isStopping = false;

  constructor(options: SlotOptions) {
    this.#options = options;
    this.#random = new Random(options.parameters.seed);
  }

  stop(): void {
    this.#isStopping = true;
  }

  /** Ends after stop(), with the engine released. */
  async run(): Promise<void> {
    while (!this.#isStopping) {
      await this.#life().catch((error: unknown) => this.#problem(`a life broke off: ${textOf(error)}`));
      await pause(this.#random.between(100, 1_000));
    }
    await Promise.all(this.#judgements);
  }

  async #life(): Promise<void> {
    const { client, parameters, figures } = this.#options;
    const isAbandoned = !parameters.stays && this.#random.chance(SHARES.abandoned);
    const ownConnection = !parameters.stays && this.#random.chance(SHARES.ownConnection);
    const mine = ownConnection ? await AlirtcClient.connect(client.address) : client;
    try {
      const engine = await this.#create(mine, isAbandoned);
      if (engine === undefined) return;
      figures.lives += 1;
      await this.#use(mine, engine, isAbandoned);
    } finally {
      if (ownConnection) mine.close();
    }
  }

  /** One that is to be abandoned is renewed by nobody. */
  async #create(client: AlirtcClient, isAbandoned: boolean): Promise<Engine | undefined> {
    const { parameters, report } = this.#options;
    const options = parameters.stays ? { detached: true } : { leaseSeconds: LEASE_SECONDS };
    let engine: Engine | undefined;
    await this.#attempt('creating an engine', async () => {
      if (isAbandoned) {
        const request = CreateAliRTCEngineRequest.fromPartial(options);
        const created = await client.rawCall(EngineServiceService.createAliRtcEngine, request, { deadlineMs: 30_000 });
        engine = client.engine(created.engineId);
        report({ slot: parameters.name, engineId: created.engineId, corePort: created.corePort });
      } else {
        engine = await client.createEngine(options);
        report({ slot: parameters.name, engineId: engine.engineId, corePort: engine.corePort });
      }
    });
    return engine;
  }

  async #use(client: AlirtcClient, engine: Engine, isAbandoned: boolean): Promise<void> {
    const { parameters, figures, report } = this.#options;
    let session: Session | undefined;
    const roster = new Roster({
      engine,
      figures,
      onAvailable: (uid) => session?.onAvailable(uid),
      onProblem: (problem) => this.#problem(problem),
    });
    await this.#attempt('enabling messages', () => engine.setParameter(DATA_CHANNEL));
    const sessions = parameters.stays ? Infinity : Math.ceil(this.#random.between(0, MOST_SESSIONS));
    let feed: Feed | undefined;
    for (let index = 0; index < sessions && !this.#isStopping && !roster.isOver; index++) {
      const isAnchored = parameters.stays || this.#random.chance(SHARES.anchored);
      session = new Session(this.#tools(client), engine, roster, isAnchored ? CHANNELS.anchored : CHANNELS.own, feed);
      const isLast = index + 1 >= sessions;
      feed = await this.#attend(session, {
        leaves: !isAbandoned || !isLast,
        keepsFeed: !isLast && this.#random.chance(SHARES.keptFeed),
      });
    }
    await feed?.close(false);
    report({ slot: parameters.name, engineId: '', corePort: 0 });
    if (isAbandoned) report({ abandoned: engine.engineId, leaseSeconds: LEASE_SECONDS });
    await roster.close();
    if (!isAbandoned) await this.#attempt('releasing', () => engine.release());
  }

  /** Gives the feed when it is kept for the next session. */
  async #attend(session: Session, end: { leaves: boolean; keepsFeed: boolean }): Promise<Feed | undefined> {
    const { pace } = this.#options;
    const random = this.#random;
    const endsAt = performance.now() + random.between(...pace.session);
    try {
      const isOpen = await session.open();
      while (isOpen && performance.now() < endsAt && !this.#isStopping && !session.roster.isOver) {
        await pause(random.between(...pace.pause));
        await act(session);
      }
    } catch (error) {
      this.#problem(`a session broke off: ${textOf(error)}`);
    }
    return session.close({ ...end, keepsFeed: end.keepsFeed && !this.#isStopping });
  }

  #tools(client: AlirtcClient): SlotTools {
    const { parameters, watch, figures, report } = this.#options;
    return {
      name: parameters.name,
      random: this.#random,
      client,
      watch,
      figures,
      report,
      attempt: (what, run, options) => this.#attempt(what, run, options),
      onProblem: (problem, who) => this.#problem(problem, who),
    };
  }

  async #attempt(what: string, run: () => Promise<unknown>, options: AttemptOptions = {}): Promise<boolean> {
    const sinceMs = performance.now();
    this.#options.figures.calls += 1;
    try {
      await run();
      return true;
    } catch (error) {
      if (options.unless?.() !== true)
        this.#problem(
          `${what}, after ${Math.round(performance.now() - sinceMs)} ms: ${textOf(error)}`,
          options.who,
          sinceMs,
        );
      return false;
    }
  }

  #problem(problem: string, who: readonly string[] = [], sinceMs = performance.now()): void {
    const { excuses, figures, parameters, report } = this.#options;
    const judgement = pause(JUDGED_AFTER_MS).then(() => {
      this.#judgements.delete(judgement);
      if (excuses.covers([parameters.name, ...who], sinceMs)) figures.excused += 1;
      else report({ violation: `${parameters.name}: ${problem}` });
    });
    this.#judgements.add(judgement);
  }
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'reason' in error ? `${String(error.reason)} ${error.message}` : error.message;
}
