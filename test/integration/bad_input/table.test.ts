import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { residentBytes } from './footprint.js';
import { methodsOfContract, type Method } from './table/contract.js';
import { whatIsWrong, type Expectation } from './table/expectation.js';
import { FIELD_RULES } from './table/field_rules.js';
import { codeOf, endingIn, METHOD_RECORDS, type MethodRecord, type Request } from './table/method_records.js';
import { rawCall, type Outcome } from './table/raw_call.js';
import { Scene, STATES, UNKNOWN_ENGINE, type State } from './table/scene.js';
import { declaredFields, forEngine, messagesOf, valueRows, type ValueRow } from './table/value_rows.js';
import { whatIsWrongOnTheWire, wireRows } from './table/wire_rows.js';
import { status } from '@grpc/grpc-js';

const METHODS = methodsOfContract();
const MAX_GROWTH_BYTES = 128 * 1024 * 1024;

const NO_ENGINE = { code: status.NOT_FOUND, reason: 'ENGINE_NOT_FOUND', field: 'engine_id' };

function namesOf(object: object): string[] {
  return Object.keys(object).sort();
}

describe('bad input: the table of the contract', function () {
  this.timeout(60_000);
  let scene: Scene;
  before(async () => void (scene = await Scene.open()));
  after(async () => {
    await scene.bed[Symbol.asyncDispose]();
  });

  it('has a record for every method of the contract, and none for another', () => {
    assert.ok(METHODS.length >= 51, `only ${METHODS.length} methods`);
    assert.deepEqual(namesOf(METHOD_RECORDS), METHODS.map(({ name }) => name).sort());
  });

  it('says of every field of every request what is legal, and of no other', () => {
    const declared = METHODS.flatMap(declaredFields).filter(
      ({ field, key }) => field.name !== 'engine_id' || key in FIELD_RULES,
    );
    const missing = declared.filter(({ rule }) => rule === undefined).map(({ key }) => key);
    assert.deepEqual([...new Set(missing)], [], 'fields without a rule');
    assert.deepEqual([...new Set(declared.map(({ key }) => key))].sort(), namesOf(FIELD_RULES));
  });

  for (const method of METHODS) {
    const record = METHOD_RECORDS[method.name];
    if (record === undefined) continue;
    const { triedIn } = record;
    if (triedIn !== undefined) {
      it(`${method.name}, which ends the daemon, is tried in a file of its own`, () => {
        assert.match(readFileSync(triedIn, 'utf8'), new RegExp(`for the table: ${method.name}`));
      });
      continue;
    }
    describe(method.name, () => {
      if (record.states !== 'none')
        it('answers in every state of the engine as it is declared', () => everyState(scene, method, record));
      it('takes every legal value and refuses every other by name', () => everyValue(scene, method, record));
      it('answers bytes that are no message with a status', () => everyByte(scene, method, record));
      it('and the engines and their events go on', () => scene.worksStill());
    });
  }

  // Mocha runs the tests of a block before the blocks in it.
  describe('in the end', () => {
    it('all that is refused, refused once more, leaves no memory', async () => {
      const before = residentBytes(scene.bed.pid);
      await refuseAll(scene);
      const grown = residentBytes(scene.bed.pid) - before;
      assert.ok(grown < MAX_GROWTH_BYTES, `the daemon grew by ${Math.round(grown / 1e6)} MB`);
    });

    it('no process, port or descriptor is left', () => scene.close());
  });
});

async function everyState(scene: Scene, method: Method, record: MethodRecord): Promise<void> {
  const requests = [{ title: 'the call', request: record.request, states: record.states }, ...(record.variants ?? [])];
  const wrong: string[] = [];
  for (const { title, request, states } of requests) {
    if (states === 'none') continue;
    const check = async (state: State | 'unknown', engineId: string, expected: Expectation): Promise<void> => {
      const outcome = await send(scene, method, record, forEngine(method, request, engineId), true);
      const why = whatIsWrong(outcome, expected);
      if (why !== undefined) wrong.push(`${title}, ${state}: ${why}`);
      if (outcome.code === status.OK && state !== 'unknown') await record.undo?.(scene, outcome, state);
    };
    await check('unknown', UNKNOWN_ENGINE, { ...NO_ENGINE, value: UNKNOWN_ENGINE });
    for (const state of STATES) {
      await record.setUp?.(scene, state);
      const { engineId } = await scene.engine(state);
      const ending = endingIn(states, state);
      await check(
        state,
        engineId,
        ending === 'ok' ? 'ok' : { code: codeOf(ending), reason: ending, field: 'engine_id', value: engineId },
      );
      await record.tearDown?.(scene, state);
    }
  }
  assert.equal(wrong.join('\n'), '');
}

async function everyValue(scene: Scene, method: Method, record: MethodRecord): Promise<void> {
  const state = record.valuesIn ?? 'ready';
  await record.setUp?.(scene, state);
  const wrong: string[] = [];
  for (const row of valueRows(method, record)) {
    const { engineId } = await scene.engine(state);
    const outcome = await tryValue(scene, method, record, row, engineId);
    const why = whatIsWrong(outcome, row.refusal ?? 'ok');
    if (why !== undefined) wrong.push(`${row.title}: ${why}`);
    if (outcome.code === status.OK) await record.undo?.(scene, outcome, state);
  }
  await record.tearDown?.(scene, state);
  assert.equal(wrong.join('\n'), '');
}

function tryValue(
  scene: Scene,
  method: Method,
  record: MethodRecord,
  row: ValueRow,
  engineId: string,
): Promise<Outcome> {
  return send(scene, method, record, forEngine(method, row.request, engineId), row.opensOnly);
}

async function everyByte(scene: Scene, method: Method, record: MethodRecord): Promise<void> {
  const wrong: string[] = [];
  for (const { title, bytes, malformed } of wireRows(method, record)) {
    const outcome = await rawCall(scene.client, method, [bytes]);
    const why = whatIsWrongOnTheWire(outcome, malformed);
    if (why !== undefined) wrong.push(`${title}, ${bytes.subarray(0, 40).toString('hex')}: ${why}`);
    if (outcome.code === status.OK) await record.undo?.(scene, outcome, 'ready');
  }
  assert.equal(wrong.join('\n'), '');
}

/** All rows whose values are refused. */
async function refuseAll(scene: Scene): Promise<void> {
  for (const method of METHODS) {
    const record = METHOD_RECORDS[method.name];
    if (record === undefined || record.triedIn !== undefined) continue;
    const { engineId } = await scene.engine(record.valuesIn ?? 'ready');
    for (const row of valueRows(method, record))
      if (row.refusal !== undefined) await tryValue(scene, method, record, row, engineId);
  }
}

async function send(
  scene: Scene,
  method: Method,
  record: MethodRecord,
  request: Request,
  opensOnly: boolean,
): Promise<Outcome> {
  const complete = (await record.complete?.(request, scene)) ?? request;
  return rawCall(scene.client, method, messagesOf(method, complete, opensOnly));
}
