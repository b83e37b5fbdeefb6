import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { messageOf } from '../../../common/errors.js';
import { failure, info, ok, warning } from './check.js';
import type { Check, DoctorContext, Finding } from './check.js';

const DAY_MS = 86_400_000;
const SOON_DAYS = 30;
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

export const certificates: Check = { name: 'certificates', run: look };

async function look({ config }: DoctorContext): Promise<Finding[]> {
  const { 'tls-cert': file, 'tls-key': keyFile, 'client-ca': clientCa } = config;
  const hosts = config.listen.flatMap((address) => (address.kind === 'tls' ? [address.host] : []));
  if (file === undefined && clientCa === undefined) return [info('no listener has TLS')];
  const findings: Finding[] = [];
  const nowMs = Date.now();
  if (file !== undefined) {
    const read = await readAll(file, 'tls-cert');
    if (Array.isArray(read)) {
      const key = keyFile === undefined ? undefined : await readText(keyFile);
      findings.push(...judgeServerCertificate({ file, chain: read, key, keyFile, hosts, nowMs }));
    } else findings.push(read);
  }
  if (clientCa !== undefined) {
    const read = await readAll(clientCa, 'client-ca');
    findings.push(...(Array.isArray(read) ? judgeAuthorities(clientCa, read, nowMs) : [read]));
  }
  return findings;
}

async function readText(file: string): Promise<string | Error> {
  return readFile(file, 'utf8').catch((error: unknown) => new Error(messageOf(error)));
}

async function readAll(file: string, setting: string): Promise<X509Certificate[] | Finding> {
  const remedy = `put PEM certificates into it, the server's first, or correct ${setting}`;
  const text = await readText(file);
  if (text instanceof Error)
    return failure(`${setting} ${file}: ${text.message}`, `let the daemon's user read it, or correct ${setting}`);
  try {
    const found = (text.match(PEM) ?? []).map((pem) => new X509Certificate(pem));
    return found.length > 0 ? found : failure(`${setting} ${file}: holds no certificate`, remedy);
  } catch (error) {
    return failure(`${setting} ${file}: cannot be parsed: ${messageOf(error)}`, remedy);
  }
}

export interface ServerCertificateFacts {
  file: string;
  /** The server's own first. */
  chain: readonly X509Certificate[];
  key: string | Error | undefined;
  keyFile: string | undefined;
  /** Of the tls: listeners. */
  hosts: readonly string[];
  nowMs: number;
}

export function judgeServerCertificate(facts: ServerCertificateFacts): Finding[] {
  const { file, chain, hosts, nowMs } = facts;
  const [leaf] = chain;
  if (leaf === undefined) return [];
  const faults = [
    ...chain.flatMap((certificate) => judgeTime(file, certificate, nowMs)),
    ...judgeKey(leaf, facts),
    ...judgeChain(file, chain),
    ...hosts.flatMap((host) => judgeHost(file, leaf, host)),
  ];
  if (faults.length > 0) return faults;
  const days = Math.floor((Date.parse(leaf.validTo) - nowMs) / DAY_MS);
  const findings = [ok(`${file}: matches its key, valid for ${days} days, for ${namesOf(leaf)}`)];
  if (leaf.checkIssued(leaf)) findings.push(info(`${file}: signed by itself; clients need it as --ca`));
  return findings;
}

function judgeTime(file: string, certificate: X509Certificate, nowMs: number): Finding[] {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  const who = `${file}: the certificate of ${subjectOf(certificate)}`;
  const renew = 'renew it; alirtcd takes the new files by SIGHUP, or within 30 s';
  if (to <= nowMs) return [failure(`${who} expired on ${certificate.validTo}`, renew)];
  if (from > nowMs)
    return [
      failure(`${who} is not valid before ${certificate.validFrom}`, 'correct the clock, or take another certificate'),
    ];
  const days = Math.floor((to - nowMs) / DAY_MS);
  return days < SOON_DAYS ? [warning(`${who} expires in ${days} days, on ${certificate.validTo}`, renew)] : [];
}

function judgeKey(leaf: X509Certificate, { key, keyFile, file }: ServerCertificateFacts): Finding[] {
  if (key === undefined)
    return [failure(`${file}: tls-key is not set`, 'name the private key of the certificate with tls-key')];
  if (key instanceof Error)
    return [failure(`tls-key ${keyFile}: ${key.message}`, "let the daemon's user read it, or correct tls-key")];
  try {
    if (leaf.checkPrivateKey(createPrivateKey(key))) return [];
  } catch (error) {
    return [failure(`tls-key ${keyFile}: ${messageOf(error)}`, 'put a private key into it, PEM, without a passphrase')];
  }
  return [
    failure(
      `the key ${keyFile} is not that of the certificate ${file}`,
      'name the key that the certificate was made with; the server certificate comes first in its file',
    ),
  ];
}

/** Each certificate is issued by the next one (RFC 5246, section 7.4.2). */
function judgeChain(file: string, chain: readonly X509Certificate[]): Finding[] {
  return chain.flatMap((certificate, index) => {
    const issuer = chain[index + 1];
    if (issuer === undefined || certificate.checkIssued(issuer)) return [];
    return [
      failure(
        `${file}: certificate ${index + 1} (${subjectOf(certificate)}) is not issued by the one behind it (${subjectOf(issuer)})`,
        "put them in order: the server's, then those between it and the authority",
      ),
    ];
  });
}

function judgeHost(file: string, leaf: X509Certificate, host: string): Finding[] {
  // All addresses: under which name clients come is not known here.
  if (host === '0.0.0.0' || host === '::') return [];
  const fits = isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host);
  if (fits !== undefined) return [];
  return [
    warning(
      `${file}: is for ${namesOf(leaf)}, not for ${host}, where alirtcd listens: clients that use that name refuse it`,
      `have clients use a name of the certificate, or issue it with subjectAltName ${isIP(host) === 0 ? 'DNS' : 'IP'}:${host}`,
    ),
  ];
}

export function judgeAuthorities(file: string, authorities: readonly X509Certificate[], nowMs: number): Finding[] {
  const faults = authorities.flatMap((certificate) => [
    ...judgeTime(`client-ca ${file}`, certificate, nowMs),
    ...(certificate.ca
      ? []
      : [
          failure(
            `client-ca ${file}: ${subjectOf(certificate)} is no authority`,
            "name the certificate of who signs the clients' ones",
          ),
        ]),
  ]);
  return faults.length > 0 ? faults : [ok(`client-ca ${file}: ${authorities.map(subjectOf).join('; ')}`)];
}

function subjectOf(certificate: X509Certificate): string {
  return certificate.subject.split('\n').join(', ');
}

function namesOf(certificate: X509Certificate): string {
  return certificate.subjectAltName ?? `no names (${subjectOf(certificate)})`;
}
