import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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

/** One row of the conformance table: a mocha test whose assertions are counted and whose result goes into docs/conformance.md. */
export function row(
  what: string,
  facts: { covers: InterfaceName[]; peer: Peer; timeoutMs?: number },
  run: (check: Check) => Promise<void>,
): void {
  it(what, async function () {
    this.timeout(facts.timeoutMs ?? 60_000);
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
  });
}

function record(result: RowResult): void {
  mkdirSync(fileURLToPath(new URL('.', new URL(`file://${RESULTS_FILE}`))), { recursive: true });
  appendFileSync(RESULTS_FILE, `${JSON.stringify(result)}\n`);
}
