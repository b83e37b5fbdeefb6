import { setTimeout as delay } from 'node:timers/promises';
import { Anchor } from './anchor.js';
import { pause } from './actions.js';
import { ClientProcess, type ClientNews } from './client_process.js';
import { Excuses } from './excuses.js';
import { Faults, type FaultKind } from './faults.js';
import { CORE_PORTS } from './machine.js';
import { NodeUnderSoak } from './node_under_soak.js';
import { Overload } from './overload.js';
import { EVERYBODY, LEASE_SECONDS, type Excuse, type Pace, type SlotParameters } from './protocol.js';
import { Random } from './random.js';
import { Sampler, type Sample } from './sampler.js';
import { settle } from './settling.js';

export interface SoakOptions {
  minutes: number;
  engines: number;
  seed: number;
  pace: Pace;
  /** Between two faults, ms. */
  faultPeriod: readonly [least: number, most: number];
  /** Client processes that may be killed; the slots are spread over them and one that stays. */
  mortalClients: number;
  /** Beside those by chance, at shares of the run. */
  strikes: readonly { kind: FaultKind; atShare: number }[];
  sampleMs: number;
  print: (line: string) => void;
  onSample: (sample: Sample) => void;
}

export interface SoakResult {
  start: Sample;
  /** With all media running. */
  during: Sample[];
  end: Sample;
  faults: Record<FaultKind, number>;
  violations: string[];
  /** Engines that were made, and ports between daemon and cores that they had. */
  engines: number;
  ports: number;
  anchorPictures: number;
  /** How often the peer gave up to reconnect, and had to be started anew. */
  anchorRestarts: number;
  /** While others kept the whole machine busy: nobody was judged. */
  overloadedSeconds: number;
}

const CLIENT_STOPS_MS = 120_000;
/** Of what is judged here. */
const LONGEST_WAIT_MS = 30_000;

/** A fleet on one node for a while: engines that join, publish and follow, faults, and what the node holds before and after. */
export class Soak {
  readonly #options: SoakOptions;
  readonly #random: Random;
  readonly #excuses = new Excuses();
  readonly #active: { excuse: Excuse; atMs: number }[] = [];
  readonly #violations: string[] = [];
  readonly #ports = new Set<number>();
  readonly #abandoned: Promise<void>[] = [];
  readonly #startedMs = performance.now();
  #engines = 0;
  #steady: ClientProcess | undefined;
  #mortals: ClientProcess[] = [];
  #anchor: Anchor | undefined;
  readonly #interruption = new AbortController();

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  /** Ends it early; run() rejects when everything is gone. */
  interrupt(): void {
    this.#interruption.abort(new Error('interrupted'));
  }

  async run(): Promise<SoakResult> {
    await using node = await NodeUnderSoak.start([
      // Rings of events are full before the warm-up is over: what they keep is no growth.
      ...['--warm-cores', '1', '--capacity-ms', '1000000', '--event-ring', '256'],
      ...['--core-port-low', String(CORE_PORTS.low), '--core-port-high', String(CORE_PORTS.high)],
    ]);
    const sampler = new Sampler({
      family: node.family,
      client: node.client,
      httpUrl: node.httpUrl,
      clients: () => this.#clients,
      inspectors: {
        daemon: () => node.inspectorUrl,
        'channel server': () => node.channelServerInspectorUrl,
        client: () => this.#steady?.inspectorUrl,
      },
    });
    const overload = new Overload((forMs) => this.#excuse({ who: EVERYBODY, forMs }));
    try {
      await sampler.take();
      const onProblem = (problem: string): void => this.#violation(problem);
      const start = await settle({ node, sampler, ports: [], onProblem });
      const { during, faults } = await this.#live(node, sampler);
      const end = await settle({ node, sampler, ports: [...this.#ports], before: start, onProblem });
      return {
        ...{ start, during, end, faults, violations: this.#violations },
        ...{
          engines: this.#engines,
          ports: this.#ports.size,
          anchorPictures: this.#anchor?.pictures ?? 0,
          anchorRestarts: this.#anchor?.restarts ?? 0,
        },
        overloadedSeconds: Math.round(overload.overloadedMs / 1000),
      };
    } finally {
      overload.stop();
      sampler.close();
      await this.#closeAll();
    }
  }

  get #clients(): ClientProcess[] {
    return [...(this.#steady === undefined ? [] : [this.#steady]), ...this.#mortals];
  }

  async #live(node: NodeUnderSoak, sampler: Sampler): Promise<{ during: Sample[]; faults: Record<FaultKind, number> }> {
    const { minutes, strikes } = this.#options;
    this.#anchor = new Anchor(node.client, this.#excuses, (problem) => this.#late(problem));
    await this.#anchor.start();
    await this.#startClients(node);
    const faults = this.#faults(node);
    const struck: Promise<void>[] = [];
    const timers = strikes.map(({ kind, atShare }) =>
      setTimeout(() => struck.push(faults.strike(kind)), atShare * minutes * 60_000),
    );
    const running = faults.run();
    const during: Sample[] = [];
    const endsAt = performance.now() + minutes * 60_000;
    this.#interruption.signal.addEventListener('abort', () => faults.stop());
    for (let left = minutes * 60_000; left > 0; left = endsAt - performance.now()) {
      await delay(Math.min(left, this.#options.sampleMs), undefined, { signal: this.#interruption.signal });
      // Under load the daemon may answer too late; the next one comes in a minute.
      const sample = await sampler.take().catch((error: unknown) => this.#print(`no figures: ${String(error)}`));
      if (sample === undefined) continue;
      during.push(sample);
      this.#options.onSample(sample);
    }
    for (const timer of timers) clearTimeout(timer);
    faults.stop();
    await Promise.all([running, ...struck]);
    this.#options.print('the clients stop');
    await Promise.all(this.#clients.map((client) => this.#stopClient(client)));
    await this.#anchor.close();
    await Promise.all(this.#abandoned);
    return { during, faults: faults.counts };
  }

  async #stopClient(client: ClientProcess): Promise<void> {
    await client.stop(CLIENT_STOPS_MS).catch((error: unknown) => this.#violation(String(error)));
    await client.close();
  }

  async #startClients(node: NodeUnderSoak): Promise<void> {
    const { engines, mortalClients, seed } = this.#options;
    const groups: SlotParameters[][] = Array.from({ length: mortalClients + 1 }, () => []);
    // The half of them in the process that stays.
    for (let index = 0; index < engines; index++) {
      const group = index < engines / 2 ? 0 : 1 + (index % mortalClients);
      groups[group]?.push({ name: `slot${index}`, seed: seed * 1000 + index, stays: index === 0 });
    }
    const [steady = [], ...mortal] = groups;
    this.#steady = await this.#startClient(node, steady, true);
    this.#mortals = await Promise.all(mortal.map((slots) => this.#startClient(node, slots, false)));
  }

  async #startClient(node: NodeUnderSoak, slots: SlotParameters[], inspected: boolean): Promise<ClientProcess> {
    const { pace } = this.#options;
    const parameters = { address: node.daemon.address, slots, pace };
    const client = await ClientProcess.start(parameters, inspected, (news) => this.#take(node, news));
    const now = performance.now();
    for (const { excuse, atMs } of this.#active)
      if (atMs + excuse.forMs > now) client.excuse({ ...excuse, forMs: atMs + excuse.forMs - now });
    return client;
  }

  #faults(node: NodeUnderSoak): Faults {
    const { faultPeriod, seed } = this.#options;
    return new Faults({
      random: new Random(seed + 1),
      client: node.client,
      period: faultPeriod,
      clients: () => this.#mortals,
      // The one that stays shows the memory of a core over the whole run.
      slotOf: (engineId) => {
        const slot = this.#clients.map(({ engines }) => engines.get(engineId)).find((name) => name !== undefined);
        return slot === 'slot0' ? undefined : slot;
      },
      excuse: (excuse) => this.#excuse(excuse),
      replace: (client) => this.#replace(node, client),
      onProblem: (problem) => this.#late(problem),
      onFault: (_kind, text) => this.#print(text),
    });
  }

  async #replace(node: NodeUnderSoak, victim: ClientProcess): Promise<void> {
    for (const slot of victim.slots) this.#anchor?.expect(slot, false);
    const slots = victim.slots.map((name) => ({ name, seed: Math.floor(this.#random.next() * 2 ** 31), stays: false }));
    const next = await this.#startClient(node, slots, false);
    this.#mortals = this.#mortals.map((client) => (client === victim ? next : client));
  }

  #excuse(excuse: Excuse): void {
    this.#active.push({ excuse, atMs: performance.now() });
    if (this.#active.length > 100) this.#active.shift();
    this.#excuses.add(excuse);
    for (const client of this.#clients) client.excuse(excuse);
  }

  #take(node: NodeUnderSoak, news: ClientNews): void {
    if ('violation' in news) this.#violation(news.violation);
    else if ('publishing' in news) this.#anchor?.expect(news.user, news.publishing);
    else if ('abandoned' in news) this.#abandoned.push(this.#seeEnd(node, news.abandoned));
    else if (news.engineId !== '') {
      this.#engines += 1;
      if (news.corePort > 0) this.#ports.add(news.corePort);
    }
  }

  /** An engine that was left to its lease ends. */
  async #seeEnd(node: NodeUnderSoak, engineId: string): Promise<void> {
    const withinMs = LEASE_SECONDS * 1000 + 20_000;
    const endsBy = performance.now() + withinMs;
    for (;;) {
      const engines = await node.client.listEngines().catch(() => undefined);
      if (engines?.every((engine) => engine.engineId !== engineId) === true) return;
      if (performance.now() > endsBy) return this.#late(`${engineId}: alive ${withinMs} ms after its client left it`);
      await pause(1_000);
    }
  }

  /** What was waited for in vain; not while everybody was excused. */
  #late(text: string): void {
    if (!this.#excuses.covers([], performance.now() - LONGEST_WAIT_MS)) this.#violation(text);
  }

  #violation(text: string): void {
    this.#violations.push(text);
    this.#print(`VIOLATION ${text}`);
  }

  #print(text: string): void {
    const seconds = Math.round((performance.now() - this.#startedMs) / 1000);
    this.#options.print(`${String(seconds).padStart(5)} s  ${text}`);
  }

  async #closeAll(): Promise<void> {
    await this.#anchor?.close();
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}
