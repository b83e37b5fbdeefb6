import type { AlirtcClient } from '../../client/index.js';
import { pause } from './actions.js';
import type { ClientProcess } from './client_process.js';
import { EVERYBODY, LEASE_SECONDS, type Excuse } from './protocol.js';
import type { Random } from './random.js';

export type FaultKind = 'coreKilled' | 'coreStopped' | 'clientKilled' | 'clientStopped' | 'channelServerKilled';

export interface FaultsOptions {
  random: Random;
  client: AlirtcClient;
  /** Between two faults, ms. */
  period: readonly [least: number, most: number];
  /** Those that may be killed. */
  clients: () => readonly ClientProcess[];
  /** The slot of an engine, when it is one that may be disturbed. */
  slotOf: (engineId: string) => string | undefined;
  /** Tells everybody, and keeps it for itself. */
  excuse: (excuse: Excuse) => void;
  replace: (client: ClientProcess) => Promise<void>;
  onProblem: (problem: string) => void;
  onFault: (kind: FaultKind, text: string) => void;
}

/** How long who is disturbed may take to come back, ms, on a machine with two processors that others use too. */
const EXCUSED_MS: Readonly<Record<FaultKind, number>> = {
  coreKilled: 20_000,
  // Found by the heartbeat: five seconds, and ten without an answer.
  coreStopped: 40_000,
  clientKilled: 30_000,
  clientStopped: 15_000,
  channelServerKilled: 45_000,
};
const WEIGHTS = { coreKilled: 5, coreStopped: 1, clientKilled: 2, clientStopped: 1 } as const;
/** A client process is told that it is excused before it happens. */
const TOLD_MS = 200;
const STOPPED_MS = 3_000;
const FOUND_MS = 10_000;
/** Behind its lease an engine leaves its channel and ends its core. */
const ENDS_WITHIN_MS = LEASE_SECONDS * 1000 + 15_000;

/** What goes wrong on real nodes, by a seeded script. */
export class Faults {
  readonly counts: Record<FaultKind, number> = {
    coreKilled: 0,
    coreStopped: 0,
    clientKilled: 0,
    clientStopped: 0,
    channelServerKilled: 0,
  };
  #isStopping = false;
  #wake: () => void = () => undefined;

  constructor(private readonly options: FaultsOptions) {}

  /** Ends after stop(). */
  async run(): Promise<void> {
    const { random, period } = this.options;
    for (;;) {
      await Promise.race([pause(random.between(...period)), new Promise<void>((resolve) => (this.#wake = resolve))]);
      if (this.#isStopping) return;
      await this.strike(random.weighted(WEIGHTS));
    }
  }

  stop(): void {
    this.#isStopping = true;
    this.#wake();
  }

  async strike(kind: FaultKind): Promise<void> {
    await this.#strike(kind).catch((error: unknown) => this.options.onProblem(`${kind}: ${String(error)}`));
  }

  #strike(kind: FaultKind): Promise<void> {
    switch (kind) {
      case 'coreKilled':
        return this.#disturbCore(kind, 'SIGKILL');
      case 'coreStopped':
        return this.#disturbCore(kind, 'SIGSTOP');
      case 'clientKilled':
        return this.#killClient();
      case 'clientStopped':
        return this.#stopClient();
      case 'channelServerKilled':
        return this.#killChannelServer();
    }
  }

  async #disturbCore(kind: 'coreKilled' | 'coreStopped', signal: NodeJS.Signals): Promise<void> {
    const triedUntil = performance.now() + FOUND_MS;
    let core = await this.#anyCore();
    // Between two lives a slot has none.
    for (; core === undefined && performance.now() < triedUntil; core = await this.#anyCore()) await pause(200);
    if (core === undefined) return;
    await this.#announce(kind, [core.slot], `${signal} to the core of ${core.slot}`);
    killQuietly(core.processId, signal);
  }

  async #anyCore(): Promise<{ processId: number; slot: string } | undefined> {
    const { client, random, slotOf } = this.options;
    const { processes } = await client.nodeStatus();
    return random.pick(
      processes.flatMap(({ kind, processId, engineId }) => {
        const slot = kind === 'core' ? slotOf(engineId) : undefined;
        return slot === undefined ? [] : [{ processId, slot }];
      }),
    );
  }

  async #killClient(): Promise<void> {
    const { random, clients, client, replace, onProblem } = this.options;
    const victim = random.pick(clients());
    if (victim === undefined) return;
    await this.#announce('clientKilled', victim.slots, `SIGKILL to the client of ${victim.slots.join(', ')}`);
    const orphans = [...victim.engines.keys()];
    await victim.kill('SIGKILL');
    const endsBy = performance.now() + ENDS_WITHIN_MS;
    for (;;) {
      const live = (await client.listEngines()).map(({ engineId }) => engineId).filter((id) => orphans.includes(id));
      if (live.length === 0) break;
      if (performance.now() > endsBy) {
        onProblem(`${live.join(', ')}: alive ${ENDS_WITHIN_MS / 1000} s after the client was killed`);
        break;
      }
      await pause(250);
    }
    await replace(victim);
  }

  async #stopClient(): Promise<void> {
    const victim = this.options.random.pick(this.options.clients());
    if (victim === undefined) return;
    await this.#announce('clientStopped', victim.slots, `SIGSTOP to the client of ${victim.slots.join(', ')}`);
    await victim.kill('SIGSTOP');
    await pause(STOPPED_MS);
    await victim.kill('SIGCONT');
  }

  async #killChannelServer(): Promise<void> {
    const { processes } = await this.options.client.nodeStatus();
    const server = processes.find(({ kind }) => kind === 'channel-server');
    if (server === undefined) return;
    await this.#announce('channelServerKilled', [EVERYBODY], 'SIGKILL to the channel server');
    killQuietly(server.processId, 'SIGKILL');
  }

  async #announce(kind: FaultKind, names: readonly string[], text: string): Promise<void> {
    this.counts[kind] += 1;
    this.options.onFault(kind, text);
    for (const who of names) this.options.excuse({ who, forMs: EXCUSED_MS[kind] });
    await pause(TOLD_MS);
  }
}

/** It may have ended by itself. */
function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone.
  }
}
