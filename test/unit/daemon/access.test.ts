import assert from 'node:assert/strict';
import { AlirtcError } from '../../../common/errors.js';
import { engineIdOf } from '../../../daemon/api/access.js';
import { ClientLimits } from '../../../daemon/api/client_limits.js';
import { EngineOwners } from '../../../daemon/api/engine_owners.js';
import { METHOD_SCOPES, scopeOf } from '../../../daemon/api/method_scopes.js';
import type { Identity, Scope } from '../../../daemon/node/identity.js';
import { methodsOfContract } from '../../integration/bad_input/table/contract.js';
import { FakeClock } from './fake_clock.js';

const person = (name: string, ...scopes: Scope[]): Identity => ({ name, scopes: new Set(scopes) });

describe('the scopes of methods', () => {
  const methods = methodsOfContract().map(({ name, request }) => ({
    name: name.split('.').pop() ?? '',
    fields: request.fields.map((field) => field.name),
  }));

  it('are said for every method of the proto, and for none that is not there', () => {
    assert.ok(methods.length > 40);
    assert.deepEqual(
      methods.filter(({ name }) => !METHOD_SCOPES.has(name)).map(({ name }) => name),
      [],
    );
    const names = new Set(methods.map(({ name }) => name));
    assert.deepEqual(
      [...METHOD_SCOPES.keys()].filter((name) => !names.has(name)),
      [],
    );
  });

  it('are admin for what is unknown, and none for health and reflection', () => {
    assert.equal(scopeOf('/alirtc.v1.NodeService/Explode'), 'admin');
    assert.equal(scopeOf('/alirtc.v1.EngineService/ListEngines'), 'read');
    assert.equal(scopeOf('/grpc.health.v1.Health/Check'), undefined);
  });

  it('find the engine in every request of the proto that names one', () => {
    const missed: string[] = [];
    for (const { name, fields } of methods) {
      if (fields.includes('engine_id')) assert.equal(engineIdOf({ engineId: 'e' }), 'e');
      else if (fields.includes('open'))
        assert.equal(engineIdOf({ message: { $case: 'open', value: { engineId: 'e' } } }), 'e');
      else missed.push(name);
    }
    assert.deepEqual(missed.sort(), [
      'CreateAliRTCEngine',
      'Drain',
      'GenerateToken',
      'GetConfig',
      'GetNodeStatus',
      'ListEngines',
    ]);
  });
});

describe('whose an engine is', () => {
  it('is seen by its owner and administrators; one that nobody owns yet by administrators only', () => {
    const live = new Set(['mine', 'unowned']);
    const owners = new EngineOwners((id) => live.has(id));
    const [alice, bob, operator] = [person('alice', 'use'), person('bob', 'use'), person('operator', 'admin')];
    owners.add('mine', alice);
    const seen = (id: string): boolean[] => [alice, bob, operator].map((who) => owners.maySee(who, id));
    assert.deepEqual(seen('mine'), [true, false, true]);
    assert.deepEqual(seen('unowned'), [false, false, true]);
    assert.equal(owners.countOf(alice), 1);
    live.delete('mine');
    // What it left behind, its events, stays its owner's.
    assert.deepEqual(seen('mine'), [true, false, true]);
    assert.deepEqual([owners.countOf(alice), owners.countOf(bob)], [0, 0]);
  });
});

describe('the limits of a client', () => {
  const settings = {
    'max-engines-per-client': 2,
    'max-streams-per-client': 2,
    'max-streams-per-engine': 1,
    'max-event-streams-per-engine': 1,
    'max-calls-per-second': 2,
  };
  const clock = new FakeClock();
  const limits = new ClientLimits(() => settings, clock);
  const refusalOf = (act: () => unknown): Record<string, unknown> => {
    try {
      act();
    } catch (error) {
      assert.ok(error instanceof AlirtcError);
      assert.equal(error.class, 'resource_exhausted');
      assert.match(error.remedy ?? '', new RegExp(`raise ${error.metadata['setting']} `));
      return { reason: error.reason, field: error.field, ...error.metadata };
    }
    throw new Error('it was allowed');
  };

  it('name themselves in every refusal, and count what was closed no more', () => {
    const first = limits.openStream('a');
    limits.openStream('a');
    limits.openStream('b');
    const refusal = refusalOf(() => limits.openStream('a'));
    assert.deepEqual(refusal, {
      reason: 'TOO_MANY_STREAMS',
      field: 'client',
      limit: '2',
      setting: 'max-streams-per-client',
    });
    first();
    first();
    limits.openStream('a');
    assert.throws(() => limits.openStream('a'));
  });

  it('are those of an engine for its readers, events and frames apart', () => {
    limits.openReader('e', 'events');
    limits.openReader('e', 'frames');
    assert.equal(refusalOf(() => limits.openReader('e', 'events'))['setting'], 'max-event-streams-per-engine');
    assert.equal(refusalOf(() => limits.openReader('e', 'frames'))['setting'], 'max-streams-per-engine');
    limits.openReader('f', 'frames');
  });

  it('count engines that are being made, too', () => {
    const made = limits.beginEngine('a', 1);
    assert.equal(refusalOf(() => limits.beginEngine('a', 1))['setting'], 'max-engines-per-client');
    made();
    limits.beginEngine('a', 1);
  });

  it('let so many calls begin in a second, each client for itself', () => {
    for (let call = 0; call < 2; call += 1) limits.countCall('a');
    assert.equal(refusalOf(() => limits.countCall('a'))['setting'], 'max-calls-per-second');
    limits.countCall('b');
    clock.advance(500);
    limits.countCall('a');
    assert.throws(() => limits.countCall('a'));
  });

  it('are the new ones at once when they are raised', () => {
    settings['max-streams-per-engine'] = 2;
    limits.openReader('e', 'frames');
  });
});
