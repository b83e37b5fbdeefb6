import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { experimental } from '@grpc/grpc-js';
import { messageOf } from '../../common/errors.js';
import { checkCertificates, checkPemIsWhole } from './certificate_text.js';

export interface CertificatePaths {
  certificate: string;
  key: string;
  /** Of the authorities that sign the certificates of clients; without it clients need none. */
  clientCa?: string | undefined;
}

interface Content {
  certificate: Buffer;
  privateKey: Buffer;
  caCertificate: Buffer | undefined;
}

type Provider = Parameters<typeof experimental.createCertificateProviderServerCredentials>[0];
type IdentityListener = Parameters<Provider['addIdentityCertificateListener']>[0];
type CaListener = Parameters<Provider['addCaCertificateListener']>[0];

/**
 * The certificate of the TLS listeners, in files. reload() gives new connections what the files hold now; connections that are there, and their streams, go on
 * with what they began with.
 */
export class CertificateFiles implements Provider {
  readonly #paths: CertificatePaths;
  readonly #identityListeners = new Set<IdentityListener>();
  readonly #caListeners = new Set<CaListener>();
  #content: Content;

  /** Throws an Error that names the file and what is wrong. */
  constructor(paths: CertificatePaths) {
    this.#paths = paths;
    this.#content = readContent(paths);
  }

  /** For Server.bindAsync. */
  get credentials(): ReturnType<typeof experimental.createCertificateProviderServerCredentials> {
    const asksClients = this.#paths.clientCa !== undefined;
    return experimental.createCertificateProviderServerCredentials(this, asksClients ? this : null, asksClients);
  }

  /** True: the files hold something new. Throws as the constructor does, and keeps the old certificate then: also while files are half written. */
  reload(): boolean {
    const next = readContent(this.#paths);
    if (isSame(next, this.#content)) return false;
    this.#content = next;
    const { certificate, privateKey, caCertificate } = next;
    for (const tell of this.#identityListeners) tell({ certificate, privateKey });
    if (caCertificate !== undefined) for (const tell of this.#caListeners) tell({ caCertificate });
    return true;
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener);
    const { certificate, privateKey } = this.#content;
    // Later, as who adds itself passes the word on to those who add themselves to it just after.
    queueMicrotask(() => listener({ certificate, privateKey }));
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener);
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener);
    const { caCertificate } = this.#content;
    if (caCertificate !== undefined) queueMicrotask(() => listener({ caCertificate }));
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#caListeners.delete(listener);
  }
}

function readContent({ certificate, key, clientCa }: CertificatePaths): Content {
  const content: Content = {
    certificate: read('tls-cert', certificate, checkCertificates),
    privateKey: read('tls-key', key, checkPemIsWhole),
    caCertificate: clientCa === undefined ? undefined : read('client-ca', clientCa, checkCertificates),
  };
  try {
    // Checks all of it, and that the key is that of the certificate.
    createSecureContext({ cert: content.certificate, key: content.privateKey, ca: content.caCertificate });
  } catch (error) {
    throw new Error(`certificate ${certificate} with key ${key}: ${messageOf(error)}`, { cause: error });
  }
  return content;
}

function read(setting: string, file: string, check: (text: string) => void): Buffer {
  try {
    const bytes = readFileSync(file);
    check(bytes.toString('latin1'));
    return bytes;
  } catch (error) {
    throw new Error(`${setting} ${file}: ${messageOf(error)}`, { cause: error });
  }
}

function isSame(one: Content, other: Content): boolean {
  return (
    one.certificate.equals(other.certificate) &&
    one.privateKey.equals(other.privateKey) &&
    (one.caCertificate ?? Buffer.alloc(0)).equals(other.caCertificate ?? Buffer.alloc(0))
  );
}
