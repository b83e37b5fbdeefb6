import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CertificateFiles } from '../../../daemon/node/certificate_files.js';
import { TestAuthority } from '../../support/certificates.js';

describe('the files of certificates', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'certificate-files-'));
  const paths = {
    certificate: path.join(folder, 'tls.pem'),
    key: path.join(folder, 'tls.key'),
    clientCa: path.join(folder, 'ca.pem'),
  };
  const whole = { certificate: '', key: '', clientCa: '' };
  let firstAuthority = '';
  const write = (name: keyof typeof paths, text: string): void => writeFileSync(paths[name], text);
  before(async () => {
    await using one = await TestAuthority.create();
    await using other = await TestAuthority.create();
    const pair = await one.issue('DNS:localhost');
    const [first = '', second = ''] = [one, other].map(({ certificate }) => readFileSync(certificate, 'utf8'));
    whole.certificate = `${readFileSync(pair.certificate, 'utf8')}${first}`;
    whole.key = readFileSync(pair.key, 'utf8');
    whole.clientCa = `${first}${second}`;
    firstAuthority = first;
  });
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(() => {
    for (const name of ['certificate', 'key', 'clientCa'] as const) write(name, whole[name]);
  });

  it('are taken when they are new, and say so', () => {
    const files = new CertificateFiles(paths);
    assert.equal(files.reload(), false);
    write('clientCa', firstAuthority);
    assert.equal(files.reload(), true);
  });

  for (const [title, name, cut, fault] of [
    [
      'a list of authorities whose second one is half written',
      'clientCa',
      (text: string) => text.slice(0, -300),
      /client-ca .*is cut off/,
    ],
    ['authorities of which nothing is written yet', 'clientCa', () => '', /client-ca .*is not PEM/],
    ['an authority that is no certificate', 'clientCa', () => whole.key, /client-ca .*has no certificate/],
    [
      'an authority with a wrong letter',
      'clientCa',
      (text: string) => text.replace(/\nM/, '\n!'),
      /client-ca .*certificate 1 cannot be read/,
    ],
    [
      'a chain whose second certificate is half written',
      'certificate',
      (text: string) => text.slice(0, -300),
      /tls-cert .*is cut off/,
    ],
    ['a key that is half written', 'key', (text: string) => text.slice(0, -20), /tls-key .*is cut off/],
    ['the key of another certificate', 'certificate', () => whole.clientCa, /key values mismatch/],
  ] as const)
    it(`refuse ${title}, at the start and later, and keep what there was`, () => {
      const files = new CertificateFiles(paths);
      const told: unknown[] = [];
      files.addCaCertificateListener((content) => told.push(content));
      write(name, cut(whole[name]));
      assert.throws(() => files.reload(), fault);
      assert.throws(() => new CertificateFiles(paths), fault);
      assert.deepEqual(told, []);
      write(name, whole[name]);
      assert.equal(files.reload(), false);
    });
});
