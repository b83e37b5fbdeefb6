import { X509Certificate } from 'node:crypto';
import { messageOf } from '../../common/errors.js';

const BEGIN = /-----BEGIN [A-Z0-9 ]+-----/g;
const WHOLE = /-----BEGIN ([A-Z0-9 ]+)-----(?:(?!-----BEGIN)[\s\S])*?-----END \1-----/g;
const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** Throws an Error: a PEM file (RFC 7468) that was cut off. OpenSSL takes what is whole of it, and is silent about the rest. */
export function checkPemIsWhole(text: string): void {
  const [begun, whole] = [BEGIN, WHOLE].map((pattern) => text.match(pattern)?.length ?? 0);
  if (begun === 0) throw new Error('is not PEM');
  if (begun !== whole) throw new Error('is cut off: an entry has no end');
}

/** Throws an Error: there is no certificate, or one that cannot be read. With none, or with less than are meant, clients would be refused who may come. */
export function checkCertificates(text: string): void {
  checkPemIsWhole(text);
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw new Error('has no certificate');
  for (const [index, certificate] of certificates.entries())
    try {
      new X509Certificate(certificate);
    } catch (error) {
      throw new Error(`its certificate ${index + 1} cannot be read: ${messageOf(error)}`, { cause: error });
    }
}
