import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { PeerCertificate } from 'node:tls';
import { SignJWT } from 'jose';
import { AlirtcError } from '../../../common/errors.js';
import { engineIdOf } from '../../../daemon/api/access.js';
import { ClientLimits } from '../../../daemon/api/client_limits.js';
import { EngineOwners } from '../../../daemon/api/engine_owners.js';
import { METHOD_SCOPES, scopeOf } from '../../../daemon/api/method_scopes.js';
import { Callers } from '../../../daemon/node/callers.js';
import type { Identity, Scope } from '../../../daemon/node/identity.js';
import { methodsOfContract } from '../../integration/bad_input/table/contract.js';
import { FakeClock } from './fake_clock.js';

const certificate = (subject: Record<string, string>): PeerCertificate => ({ subject }) as unknown as PeerCertificate;
const person = (name: string, ...scopes: Scope[]): Identity => ({ name, scopes: new Set(scopes) });
const reasonOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof AlirtcError);
    return error.reason;
  }
  return 'nothing was thrown';
};

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

describe('who calls', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'callers-'));
  after(() => rmSync(folder, { recursive: true }));
  const tokens = path.join(folder, 'tokens.yaml');
  const write = (text: string): void => writeFileSync(tokens, text, { mode: 0o600 });
  const [ALICE, OPERATOR] = ['token-of-alice-0123456789', 'token-of-the-operator-0123'];
  const none = { tokens: undefined, 'jwt-key': undefined, 'jwt-issuer': undefined, 'jwt-audience': undefined };
  const callersOf = (settings: Partial<ConstructorParameters<typeof Callers>[0]>): Callers =>
    new Callers({ ...none, 'admin-subject': [], ...settings });

  it('is "local", who may do everything, when nobody has to say', async () => {
    const { name, scopes } = await callersOf({}).identify(undefined, undefined);
    assert.deepEqual([name, [...scopes]], ['local', ['read', 'use', 'admin']]);
  });

  it('is the name of a token, with its scopes; a wrong token or none is UNAUTHENTICATED and never quoted', async () => {
    write(`${ALICE}: alice read use\n${OPERATOR}: operator admin\n`);
    const callers = callersOf({ tokens });
    const alice = await callers.identify(`Bearer ${ALICE}`, undefined);
    assert.deepEqual([alice.name, [...alice.scopes]], ['token:alice', ['read', 'use']]);
    for (const wrong of [undefined, `Bearer ${ALICE}x`, ALICE, 'Basic abc', ''])
      assert.throws(
        () => callers.identify(wrong, undefined),
        (error: AlirtcError) => error.class === 'unauthenticated' && !error.message.includes(ALICE),
      );
    write(`${OPERATOR}: operator admin\n`);
    callers.reload();
    assert.equal(
      reasonOf(() => callers.identify(`Bearer ${ALICE}`, undefined)),
      'BAD_BEARER_TOKEN',
    );
    write('short: bob read\n');
    assert.throws(() => callers.reload(), /the token of bob has less than 16/);
    assert.equal((await callers.identify(`Bearer ${OPERATOR}`, undefined)).name, 'token:operator');
  });

  for (const [text, fault] of [
    [`${ALICE}: alice everything\n`, /the scopes of alice have to be some of read, use, admin/],
    [`${ALICE}: alice\n`, /the scopes of alice/],
    [`${ALICE}: [\n`, /is not YAML$/],
    ['- a\n', /has to hold lines/],
  ] as const)
    it(`refuses a token file that says ${JSON.stringify(text)}, without quoting the token`, () => {
      write(text);
      assert.throws(
        () => callersOf({ tokens }),
        (error: Error) => fault.test(error.message) && !error.message.includes(ALICE),
      );
    });

  it('refuses a token file that others may read', () => {
    write(`${ALICE}: alice read\n`);
    rmSync(tokens);
    writeFileSync(tokens, `${ALICE}: alice read\n`, { mode: 0o644 });
    assert.throws(() => callersOf({ tokens }), /chmod 600/);
    rmSync(tokens);
  });

  it('is the subject of a JSON Web Token that the key has signed, while it is valid', async () => {
    const key = path.join(folder, 'jwt.pem');
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(key, pair.publicKey.export({ type: 'spki', format: 'pem' }));
    const callers = callersOf({ 'jwt-key': key, 'jwt-issuer': 'us' });
    const sign = (from = pair.privateKey, expires = '1h', issuer = 'us'): Promise<string> =>
      new SignJWT({ scope: 'read openid' })
        .setProtectedHeader({ alg: 'ES256' })
        .setSubject('bot-7')
        .setIssuer(issuer)
        .setExpirationTime(expires)
        .sign(from);
    const bot = await callers.identify(`Bearer ${await sign()}`, undefined);
    assert.deepEqual([bot.name, [...bot.scopes]], ['jwt:bot-7', ['read']]);
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`;
    const wrong = [
      await sign(stranger.privateKey),
      await sign(pair.privateKey, '-1h'),
      await sign(pair.privateKey, '1h', 'them'),
      unsigned,
    ];
    for (const token of wrong)
      await assert.rejects(async () => callers.identify(`Bearer ${token}`, undefined), { class: 'unauthenticated' });
  });

  it('takes no symmetric key, with which who checks could sign', () => {
    const key = path.join(folder, 'secret');
    writeFileSync(key, 'a secret of some length, as HS256 would take it');
    assert.throws(() => callersOf({ 'jwt-key': key }), /public key or a certificate/);
  });

  it('is the subject of the certificate of a client, which the operator may make an administrator', async () => {
    const callers = callersOf({ 'admin-subject': ['O=us,CN=operator'] });
    const client = await callers.identify(undefined, certificate({ CN: 'client' }));
    assert.deepEqual([client.name, [...client.scopes]], ['tls:CN=client', ['read', 'use']]);
    const operator = await callers.identify(undefined, certificate({ O: 'us', CN: 'operator' }));
    assert.ok(operator.scopes.has('admin'));
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
