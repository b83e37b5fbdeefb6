import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface CertificateFiles {
  certificate: string;
  key: string;
}

/** A certificate authority of its own in a temporary folder, by the openssl command. */
export class TestAuthority implements AsyncDisposable {
  private constructor(
    private readonly folder: string,
    /** The authority's own certificate, PEM. */
    readonly certificate: string,
  ) {}

  static async create(): Promise<TestAuthority> {
    const folder = await mkdtemp(path.join(tmpdir(), 'authority-'));
    const certificate = path.join(folder, 'ca.pem');
    await openssl(folder, [
      'req',
      '-x509',
      ...KEY,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-days',
      '2',
      '-subj',
      '/CN=test authority',
    ]);
    return new TestAuthority(folder, certificate);
  }

  /** Signed by the authority, for names such as "DNS:localhost" or "IP:127.0.0.1". */
  async issue(...names: string[]): Promise<CertificateFiles> {
    return this.#issue('/CN=server', names, ['-days', '2']);
  }

  /** As issue(), to a subject as openssl takes it: "/O=us/CN=bot". */
  async issueTo(subject: string, ...names: string[]): Promise<CertificateFiles> {
    return this.#issue(subject, names, ['-days', '2']);
  }

  /** As issue(), but its time is over. */
  async issueExpired(...names: string[]): Promise<CertificateFiles> {
    return this.#issue('/CN=server', names, ['-days', '-1']);
  }

  /** Signed by itself. */
  async selfSigned(...names: string[]): Promise<CertificateFiles> {
    const files = this.#files();
    const extension = `subjectAltName=${names.join(',')}`;
    const out = ['-keyout', files.key, '-out', files.certificate];
    await openssl(this.folder, [
      'req',
      '-x509',
      ...KEY,
      ...out,
      '-days',
      '2',
      '-subj',
      '/CN=server',
      '-addext',
      extension,
    ]);
    return files;
  }

  #count = 0;
  #files(): CertificateFiles {
    this.#count += 1;
    const file = path.join(this.folder, `server-${this.#count}`);
    return { certificate: `${file}.pem`, key: `${file}.key` };
  }

  async #issue(subject: string, names: readonly string[], validity: readonly string[]): Promise<CertificateFiles> {
    const files = this.#files();
    const request = `${files.key}.csr`;
    const extensions = `${files.key}.ext`;
    await writeFile(extensions, `subjectAltName=${names.join(',')}\n`);
    await openssl(this.folder, ['req', '-new', ...KEY, '-keyout', files.key, '-out', request, '-subj', subject]);
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', extensions];
    await openssl(this.folder, ['x509', '-req', '-in', request, '-out', files.certificate, ...signing, ...validity]);
    return files;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

async function openssl(folder: string, args: readonly string[]): Promise<void> {
  await run('openssl', [...args], { cwd: folder, timeout: 20_000 });
}
