import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { clusterNodes } from '../../support/cluster_nodes.js';
import type { InterfaceName, Peer } from './interface.js';

/** Results of all rows of a run, one JSON object a line; report.ts makes docs/conformance.md of it. */
export const RESULTS_FILE = fileURLToPath(new URL('../../../out/conformance/results.jsonl', import.meta.url));

export interface RowResult {
  what: string;
  covers: InterfaceName[];
  peer: Peer;
  assertions: number;
  passed: boolean;
  seconds: number;
}

/** Assertions that are counted. */
export class Check {
  count = 0;

  ok(value: unknown, message: string): asserts value {
    this.count++;
    assert.ok(value, message);
  }

  equal<T>(actual: T, expected: T, message?: string): void {
    this.count++;
    assert.deepEqual(actual, expected, message);
  }

  /** The value lies within the bounds, both included. */
  within(value: number, low: number, high: number, what: string): void {
    this.count++;
    assert.ok(value >= low && value <= high, `${what}: ${value}, wanted ${low} to ${high}`);
  }

  async rejects(
    promise: Promise<unknown>,
    expected: { reason?: string; number?: number; field?: string },
  ): Promise<void> {
    const error = await promise.then(
      () => assert.fail(`did not reject with ${JSON.stringify(expected)}`),
      (failure: unknown) => failure as Record<string, unknown>,
    );
    for (const [key, value] of Object.entries(expected)) {
      this.count++;
      assert.equal(error[key], value, `${key} of "${String(error['message'])}"`);
    }
  }
}

export interface RowFacts {
  covers: InterfaceName[];
  peer: Peer;
  timeoutMs?: number;
  /** Why it needs a channel server of ours: it is left out, and this is printed, when the rows run on a LiveKit cluster. */
  ownServer?: string;
}

interface Row {
  what: string;
  facts: RowFacts;
  run: (check: Check) => Promise<void>;
}

/** The rows of the group that is being made. */
let group: Row[] | undefined;

/** One row of the conformance table: a mocha test whose assertions are counted and whose result goes into docs/conformance.md. */
export function row(what: string, facts: RowFacts, run: (check: Check) => Promise<void>): void {
  const made = { what, facts, run };
  if (group === undefined) define(made, () => perform(made));
  else group.push(made);
}

/** Rows that wait for most of their time: all run at once, from the first one on. One that is tried again runs alone. */
export function sideBySide(makeRows: () => void): void {
  const rows: Row[] = (group = []);
  makeRows();
  group = undefined;
  let running: Map<Row, Promise<void>> | undefined;
  for (const one of rows)
    define(one, () => {
      running ??= startAll(rows);
      const result = running.get(one) ?? perform(one);
      running.delete(one);
      return result;
    });
}

function startAll(rows: readonly Row[]): Map<Row, Promise<void>> {
  const here = rows.filter((one) => reasonToSkip(one) === undefined);
  const running = new Map(here.map((one) => [one, perform(one)]));
  // Each is told of by its own test; one that fails before its turn is no unhandled rejection.
  for (const result of running.values()) result.catch(() => undefined);
  return running;
}

function define(one: Row, run: () => Promise<void>): void {
  it(one.what, function () {
    const reason = reasonToSkip(one);
    if (reason !== undefined) {
      console.log(`    not on a cluster, ${reason}:`);
      this.skip();
    }
    this.timeout(one.facts.timeoutMs ?? 60_000);
    return run();
  });
}

function reasonToSkip({ facts }: Row): string | undefined {
  return clusterNodes() === undefined ? undefined : facts.ownServer;
}

async function perform({ what, facts, run }: Row): Promise<void> {
  const check = new Check();
  const startedAt = performance.now();
  let passed = false;
  try {
    await run(check);
    assert.ok(check.count > 0, 'a row without assertions');
    passed = true;
  } finally {
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    record({ what, covers: facts.covers, peer: facts.peer, assertions: check.count, passed, seconds });
  }
}

function record(result: RowResult): void {
  mkdirSync(fileURLToPath(new URL('.', new URL(`file://${RESULTS_FILE}`))), { recursive: true });
  // The page of conformance is about the embedded server.
  const file = clusterNodes() === undefined ? RESULTS_FILE : RESULTS_FILE.replace('results', 'cluster');
  appendFileSync(file, `${JSON.stringify(result)}\n`);
}
