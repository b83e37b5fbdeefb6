import assert from 'node:assert/strict';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { PeerCertificate } from 'node:tls';
import { SignJWT } from 'jose';
import { AlirtcError } from '../../../common/errors.js';
import { Callers } from '../../../daemon/node/callers.js';

const certificate = (subject: Record<string, string>): PeerCertificate => ({ subject }) as unknown as PeerCertificate;
const reasonOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof AlirtcError);
    return error.reason;
  }
  return 'nothing was thrown';
};

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
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
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
    const claims = { sub: 'bot-7', iss: 'us', exp: Math.floor(Date.now() / 1000) + 600, scope: 'read use admin' };
    const signed = (
      more: object,
      without: keyof typeof claims = 'scope',
      header = { alg: 'ES256' },
    ): Promise<string> => {
      const { [without]: _, ...rest } = claims;
      return new SignJWT({ ...rest, ...more }).setProtectedHeader(header).sign(pair.privateKey);
    };
    // With what everybody may know as the secret: the public key.
    const secret = createSecretKey(Buffer.from(readFileSync(key)));
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`;
    const wrong = [
      await sign(stranger.privateKey),
      await sign(pair.privateKey, '-1h'),
      await sign(pair.privateKey, '1h', 'them'),
      unsigned,
      await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(secret),
      await new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(rsa.privateKey),
      await signed({ nbf: claims.exp }),
      await signed({}, 'exp'),
      await signed({}, 'sub'),
      await signed({}, 'iss'),
      await signed({ sub: 5 }),
      await signed({ sub: ['bot-7'] }),
      await signed({ sub: 'bot 7' }),
      await signed({ exp: String(claims.exp) }),
      '..',
      'x'.repeat(60_000),
    ];
    for (const [row, token] of wrong.entries())
      await assert.rejects(
        async () => callers.identify(`Bearer ${token}`, undefined),
        { class: 'unauthenticated', reason: 'BAD_BEARER_TOKEN' },
        `row ${row}`,
      );
    // Only a text holds scopes (RFC 8693, section 4.2); none is none.
    for (const scope of [undefined, ['admin'], 'Admin', 5]) {
      const { scopes } = await callers.identify(`Bearer ${await signed({ scope })}`, undefined);
      assert.equal(scopes.size, 0, String(scope));
    }
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

  it('is not somebody else by a comma, an equals sign or a line break in a part of the subject', async () => {
    const callers = callersOf({ 'admin-subject': ['O=us,CN=operator'] });
    const rows = [
      { O: 'us,CN=operator' },
      { O: 'us\\', CN: 'operator' },
      { CN: 'operator', O: 'us' },
      { CN: 'a\u001b[2Jb' },
    ];
    const names = await Promise.all(
      rows.map(async (subject) => {
        const { name, scopes } = await callers.identify(undefined, certificate(subject));
        assert.ok(!scopes.has('admin'), name);
        return name;
      }),
    );
    assert.deepEqual(names, [
      'tls:O=us\\,CN=operator',
      'tls:O=us\\\\,CN=operator',
      'tls:CN=operator,O=us',
      'tls:CN=a\\1b[2Jb',
    ]);
  });

  it('is the other names of a certificate that has no subject, and nobody where it has none either', async () => {
    const callers = callersOf({ 'admin-subject': ['URI:spiffe://us/operator'] });
    const named = (subjectaltname: string): PeerCertificate => ({ ...certificate({}), subjectaltname });
    const bot = await callers.identify(undefined, named('URI:spiffe://us/bot'));
    assert.deepEqual([bot.name, bot.scopes.has('admin')], ['tls:URI:spiffe://us/bot', false]);
    assert.ok((await callers.identify(undefined, named('URI:spiffe://us/operator'))).scopes.has('admin'));
    assert.equal(
      reasonOf(() => callers.identify(undefined, certificate({}))),
      'BAD_BEARER_TOKEN',
    );
  });
});
